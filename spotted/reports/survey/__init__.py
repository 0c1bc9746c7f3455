"""The report of a survey whose individuals nobody knew before: who was found, where and when, and what next.

facts       the stored survey and session as values
instants    days and times in the zone of the survey
weeks       detections of each camera by week, and its silent periods
movements   the map of one individual
time_line   the captures of one individual in time
pictures    photographs cut out around the animal
wording     the finding, its certainty and the next step as sentences
document    the page and the same numbers as JSON
"""

from spotted.reports.survey.document import SurveyReport, describe, render
from spotted.reports.survey.facts import FoundIndividual, SessionState, SurveyFacts

__all__ = ["FoundIndividual", "SessionState", "SurveyFacts", "SurveyReport", "describe", "render"]
