"""Screens, answers and seconds that galleries save over pairs: `python -m benchmarks.screens`.

screens  the run: all surveys, seeds, sizes of galleries and annotators
runs     single sessions, stored as lines of a file so that none runs twice
surveys  surveys of the generator, and those that break one of its assumptions each
table    means, worst seeds, modelled seconds, curves
"""
