"""Surveys as the page needs them.

held    the detections of a survey, held while their revision stands
layout  the relative layout of cameras, from nothing but distances
cards   individuals as cards
moves   the movements of individuals on such a layout
"""

from services.review.surveys.held import HeldSurvey, HeldSurveys
from services.review.surveys.layout import Layout, lay_out

__all__ = ["HeldSurvey", "HeldSurveys", "Layout", "lay_out"]
