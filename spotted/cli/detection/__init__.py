"""Boxes and masks of animals without another program.

detect       `spotted detect`
examination  photographs examined by a detector in a process of its own
segmenter    `spotted export-segmenter`
"""
