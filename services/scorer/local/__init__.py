"""Local features of detections: keypoints of the pattern, stored beside the survey.

additions        features stored with their detections
requests         requests to store and to match them, checked
matchings        the matching of a survey as an operation
score_responses  local scores as messages
"""
