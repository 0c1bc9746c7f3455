"""Local features of detections: keypoints of the pattern, stored beside the survey.

additions  features stored with their detections
requests   requests to store them, checked
"""
