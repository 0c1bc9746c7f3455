"""Local scores of a survey: how alike the marks of two detections are.

methods          the methods by which this process matches
matched_surveys  features, scores and normalisers, read when a call needs them
score_blocks     scores of pairs as bytes
"""
