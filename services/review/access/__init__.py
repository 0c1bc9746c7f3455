"""Who asks, and what a foreign page may not do.

caller   a person with a name and a token, as an encrypted cookie
secrets  the secret of the cookies
guard    hosts, origins, bodies and headers of every request
login    the paths by which people come and go
"""

from services.review.access.caller import Caller, Cookies
from services.review.access.guard import Guard
from services.review.access.login import login_routes
from services.review.access.secrets import read_secret

__all__ = ["Caller", "Cookies", "Guard", "login_routes", "read_secret"]
