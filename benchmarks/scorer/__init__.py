"""Ranking and the scorer's calls beside the bare matrix products that they need.

ranking  `python -m benchmarks.scorer`: exact ranking in the library
service  `python -m benchmarks.scorer.service`: the calls of a running scorer
"""
