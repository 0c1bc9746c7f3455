"""Gain of heads learned from places and times, and cost of their training: `python -m benchmarks.heads`.

recipes  recipes side by side on composites and generated surveys
cost     training beside its bare matrix products, and on a large survey
"""
