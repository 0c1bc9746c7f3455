"""What an annotator is asked next.

next_questions   leased questions of the present round, or of one planned now
choice           which questions of a round to ask
detection_facts  what the annotator sees of each detection
planner          planning the next round from the scorer's candidates
planner_process  planning in a process of its own
"""

from services.sampler.questions.choice import QuestionRequest
from services.sampler.questions.detection_facts import Facts
from services.sampler.questions.next_questions import Asked, Asking, Leased
from services.sampler.questions.planner import Planner
from services.sampler.questions.planner_process import PlannerProcesses, PlanningWork

__all__ = [
    "Asked",
    "Asking",
    "Facts",
    "Leased",
    "Planner",
    "PlannerProcesses",
    "PlanningWork",
    "QuestionRequest",
]
