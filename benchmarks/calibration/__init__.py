"""Calibrated fusion against the product: `python -m benchmarks.calibration`.

surveys      the surveys, small dense ones among them
labels       what is labelled: all pairs of some animals, or the answers of a session
outcomes     one split of a survey, and the means over splits
marks        the composites with the matched marks of their photographs
"""
