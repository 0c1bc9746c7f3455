"""The next questions for an annotator.

next_questions   leased questions of the current round, or of one planned now
choice           which questions of a round to ask
detection_facts  detections and cameras shown with a question
planner          plans the next round from the scorer's candidates
planner_process  plans in a separate process
"""

from services.sampler.questions.choice import QuestionRequest
from services.sampler.questions.detection_facts import DetectionFacts
from services.sampler.questions.next_questions import LeasedQuestion, NextQuestions, QuestionBatch
from services.sampler.questions.planner import Planner
from services.sampler.questions.planner_process import PlannerProcesses, PlanningWork

__all__ = [
    "DetectionFacts",
    "LeasedQuestion",
    "NextQuestions",
    "Planner",
    "PlannerProcesses",
    "PlanningWork",
    "QuestionBatch",
    "QuestionRequest",
]
