"""Local features of detections: keypoints of the pattern, stored beside the survey.

additions        features stored with their detections
requests         requests to store and to match them, checked
matched_surveys  features, scores and normalisers, read when a call needs them
score_blocks     scores of pairs as bytes
shortlists       which pairs are matched, and their matching block by block
matchings        the matching of a survey as an operation
"""
