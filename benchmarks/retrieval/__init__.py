"""Retrieval accuracy of each score, survey by survey: `python -m benchmarks.retrieval`.

scores  the run over all surveys with known individuals
table   figures with intervals, and how they are printed
"""
