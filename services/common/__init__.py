"""Shared parts of the services.

memory         the memory that this process may use
local_methods  the files of local methods with networks
settings       the only reader of the environment
telemetry      metrics, logs, traces
store          the durable store and its journals
rpc            parsing, checks, errors and observation of calls
access         tokens, roles, quotas, TLS
survey         a survey in the memory of a service
vectors        vectors of surveys outside the store
session        the events of an annotation session
server         bind, wait for the store, report SERVING, drain
process        start and end of a service's process
"""
