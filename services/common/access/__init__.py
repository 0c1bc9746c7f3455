"""Who may call what.

guard           the check of every call: token, role, quota, organisation
caller          the caller of the present call, and what each role may do
tokens          bearer tokens in the store
quotas          limits per token
message_fields  every occurrence of a field in a message
tls             certificates, and where a service may go without them
outgoing        the credentials a service shows to another
"""

from services.common.access.caller import Caller, role_name
from services.common.access.guard import Guard, guard_for
from services.common.access.outgoing import Line
from services.common.access.quotas import check_count
from services.common.access.tls import check_exposure, server_credentials
from services.common.access.tokens import Tokens

__all__ = [
    "Caller",
    "Guard",
    "Line",
    "Tokens",
    "check_count",
    "check_exposure",
    "guard_for",
    "role_name",
    "server_credentials",
]
