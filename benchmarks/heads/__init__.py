"""What a head learned from places and times gains, and what training costs: `python -m benchmarks.heads`.

recipes  recipes side by side on composites and generated surveys
cost     training beside its bare matrix products, and on a large survey
"""
