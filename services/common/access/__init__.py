"""Access control: tokens, roles, quotas and TLS.

guard           the check of every call: token, role, quota, organisation
caller          the caller of the current call, and the rpcs that each role may call
tokens          bearer tokens in the store
open_streams    calls that end if their token becomes invalid, or if nobody sends or reads in time
load            bounds of open calls and answers
public_calls    bounds of calls that need no token
request_limits  the largest request of each rpc
quotas          limits per token
message_fields  every occurrence of a field in a message
tls             certificates, and addresses that may be served without TLS
outgoing        the credentials of a service that calls another one
"""

from services.common.access.caller import Caller, current_caller, role_name
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
    "current_caller",
    "guard_for",
    "role_name",
    "server_credentials",
]
