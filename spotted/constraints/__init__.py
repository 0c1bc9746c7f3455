"""The individuals that a session's answers imply.

SAME and DIFFERENT answers become must-links and cannot-links between items. `Constraints` is the interface;
`Closure` accepts every answer, `Verified` treats answers as evidence that may be wrong and asks for
confirmation. Both are deterministic folds of the labels.

answers             answers, effects, outcomes and contradictions
assumptions         facts applied to constraints before any answer
components          components of items and the separations between them
interface           the interface of constraints
closure             constraints that accept every answer
explanation         the shortest chain of answers behind an implied one
trust               the two levels of trust, and constraints by level
trust_change        constraints that weigh answers and keep what was decided before
trust_settings      when answers are sufficient under verified trust
statements          all answers to each image pair, in log-odds of SAME
error_rates         the error rate of each annotator, learned from repeated questions
component_evidence  the sum of the answers about two components
contradictions      answers against others, a person's decision or facts
contests            a DIFFERENT inside a component, and its cheapest cut
partition           components that merge, stay pending and split as evidence changes
decided_pairs       the image pairs whose answers decided
graph_cuts          the weakest points of an individual
risky_decisions     decisions that may be wrong, and the image pairs at risk
rechecks            the answers to confirm next
verified            constraints whose answers may be wrong
"""

from spotted.constraints.answers import (
    Answer,
    Check,
    Contradiction,
    Decisions,
    LabelEffect,
    LabelledPair,
    LabelOutcome,
)
from spotted.constraints.assumptions import Assumptions, assume
from spotted.constraints.closure import Closure
from spotted.constraints.components import Components
from spotted.constraints.error_rates import Annotators, ErrorRates, RepeatAgreement
from spotted.constraints.explanation import Explanation
from spotted.constraints.interface import Constraints
from spotted.constraints.partition import Partition
from spotted.constraints.trust import Trust, make_constraints
from spotted.constraints.trust_change import fold_labels, verified_from
from spotted.constraints.trust_settings import TrustSettings
from spotted.constraints.verified import Verified

__all__ = [
    "Annotators",
    "Answer",
    "Assumptions",
    "Check",
    "Closure",
    "Components",
    "Constraints",
    "Contradiction",
    "Decisions",
    "ErrorRates",
    "Explanation",
    "LabelEffect",
    "LabelOutcome",
    "LabelledPair",
    "Partition",
    "RepeatAgreement",
    "Trust",
    "TrustSettings",
    "Verified",
    "assume",
    "fold_labels",
    "make_constraints",
    "verified_from",
]
