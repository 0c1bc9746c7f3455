"""What a session's answers imply about individuals.

SAME and DIFFERENT answers become must-links and cannot-links. `Constraints` believes every answer; `Verified`
treats answers as evidence that may be wrong, and asks for confirmation.

answers          the values: answers, their effects, contradictions
closure          components of must-links and separations between them
explanation      the shortest chain of answers behind an implied one
trust            the two ways to treat answers: single and verified
statements       answers as evidence, in log-odds of SAME
error_rates      each annotator's error rate, learned from repeated questions
partition        components that merge, wait and split as evidence changes
graph_cuts       where an individual is held together most weakly
risky_decisions  decisions that may be wrong, and what they put at risk
verified         constraints whose answers may be wrong
rechecks         which answers to have confirmed next
"""

from spotted.constraints.answers import (
    Answer,
    Contradiction,
    Decisions,
    LabelEffect,
    LabelledPair,
    LabelOutcome,
)
from spotted.constraints.closure import Constraints, pair_columns
from spotted.constraints.error_rates import Annotators, ErrorRates, Verdict, agreement
from spotted.constraints.explanation import Evidence, Explanation
from spotted.constraints.graph_cuts import Bridge, bridges, minimum_cut, parts
from spotted.constraints.partition import Partition
from spotted.constraints.rechecks import checks
from spotted.constraints.risky_decisions import Doubt, Doubts, separation_risk, weakest_link
from spotted.constraints.statements import (
    Across,
    Given,
    ImagePair,
    Statements,
    TrustSettings,
    log_odds,
    ordered,
    probability_of,
)
from spotted.constraints.trust import Trust, folded, take
from spotted.constraints.verified import Verified

__all__ = [
    "Across",
    "Annotators",
    "Answer",
    "Bridge",
    "Constraints",
    "Contradiction",
    "Decisions",
    "Doubt",
    "Doubts",
    "ErrorRates",
    "Evidence",
    "Explanation",
    "Given",
    "ImagePair",
    "LabelEffect",
    "LabelOutcome",
    "LabelledPair",
    "Partition",
    "Statements",
    "Trust",
    "TrustSettings",
    "Verdict",
    "Verified",
    "agreement",
    "bridges",
    "checks",
    "folded",
    "log_odds",
    "minimum_cut",
    "ordered",
    "pair_columns",
    "parts",
    "probability_of",
    "separation_risk",
    "take",
    "weakest_link",
]
