"""The path of every call: parsing, checks, errors and observation.

layer          handlers and the interceptors around them
message_sizes  limits of the bytes of messages
parsing        bytes to requests
filling        a long change as several messages
turns          few costly streams at a time, surveys by turns
checks         checks of requests before anything is computed
animal_attributes  checks of names, sex, status, notes and tags
errors         errors to gRPC statuses, in one place
observer       calls counted, timed, traced and given an id
"""

from services.common.rpc.errors import ErrorInterceptor
from services.common.rpc.layer import Context, Handler, Layer, wrap_handler
from services.common.rpc.observer import WatchInterceptor
from services.common.rpc.turns import Turns

__all__ = ["Context", "ErrorInterceptor", "Handler", "Layer", "Turns", "WatchInterceptor", "wrap_handler"]
