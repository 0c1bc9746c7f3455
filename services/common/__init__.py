"""What the services share.

settings   the only reader of the environment
telemetry  metrics, logs, traces
store      the durable store and its journals
rpc        what every call passes through
access     who may call what
survey     a survey as services hold it
server     bind, wait for the store, report SERVING, drain
process    how a process starts and stops
"""
