"""Gain of heads, from places and times or from known individuals, and the cost of training.

recipes  recipes side by side on composites and generated surveys
named    heads from known individuals, on other individuals
cost     training beside its bare matrix products, and on a large survey
"""
