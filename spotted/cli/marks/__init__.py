"""Commands about matched marks of the coat.

matching  `spotted match-marks`: match the local features of a survey
explain   `spotted explain`: everything known about one pair, with its marks drawn
"""
