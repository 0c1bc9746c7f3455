"""Simulated surveys, annotators and sessions, for development and measurement.

survey      surveys with home ranges, journeys, bursts and two flanks
annotators  annotators that are never wrong, or err by one of three models
session     a whole session against a simulated annotator
screens     the same with galleries, bursts and pairs as screens
agreement   agreement of a partition with the true individuals
"""

from spotted.simulation.agreement import Agreement, measure_agreement, true_positives
from spotted.simulation.annotators import MODELS, Annotator, annotator, truthful
from spotted.simulation.screens import ScreenCurve, simulate_screens
from spotted.simulation.session import (
    Curve,
    answer_truly,
    ask,
    questions_to,
    simulate_session,
)
from spotted.simulation.survey import Shot, SimulatedSurvey, SimulationParams, simulate_survey

__all__ = [
    "MODELS",
    "Agreement",
    "Annotator",
    "Curve",
    "ScreenCurve",
    "Shot",
    "SimulatedSurvey",
    "SimulationParams",
    "annotator",
    "answer_truly",
    "ask",
    "measure_agreement",
    "questions_to",
    "simulate_screens",
    "simulate_session",
    "simulate_survey",
    "true_positives",
    "truthful",
]
