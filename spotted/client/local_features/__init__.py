"""Local features of stored detections: keypoints of the pattern, beside the vector of the whole animal.

survey    the part of a survey's handle that stores them
extraction  which photographs of a survey lack them, and storing them
messages  messages about them as values, and back
"""

from spotted.client.local_features.survey import SurveyLocalFeatures

__all__ = ["SurveyLocalFeatures"]
