"""Cost of TLS with tokens, and of metrics, for a cheap call: `python -m benchmarks.overheads`.

tls_and_metrics   the run: calls per second of each kind of service, in turns
uncounted_scorer  a scorer whose metrics count nothing
"""
