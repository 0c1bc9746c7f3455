"""Commands about what two photographs share: marks of the coat, and parts that look alike.

matching  `spotted match-marks`: match the local features of a survey
explain   `spotted explain`: everything known about one pair, with its marks drawn
heat      the parts that make two vectors alike, drawn
"""
