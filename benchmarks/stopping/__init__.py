"""How often "safe to stop" is true and what it costs: `python -m benchmarks.stopping`.

guarantee  the run over many surveys, and its bars
sessions   sessions run to their end, with the estimates of the learned strategy
"""
