"""Individuals found without any answer, and HotSpotter beside other scores: `python -m benchmarks.grouping`.

surveys  the composites with matched marks, and one flank of nyala without places and times
curves   rankings of HotSpotter's scores of all pairs, beside those of a survey
"""
