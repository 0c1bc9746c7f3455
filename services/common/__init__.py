"""What the three services share.

settings        the one reader of the environment
process         how a process begins and ends
server          bind, wait for the store, say SERVING, drain
interceptors    errors to statuses, in one place
watching        calls counted, timed, traced and given a request id, in one place
metrics         Prometheus metrics, all definitions
logs            log lines of the call that they are made in
tracing         traces across the services, off unless asked for; otlp sends them
wire            checks of what arrives
store           the durable store, and its failures in our words
keys            every key of the store
journal         append with optimistic concurrency; state as the fold of events
survey_state    a survey as such a fold, and its snapshots
heads           adaptation heads in the store
"""
