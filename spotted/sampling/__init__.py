"""The questions to put to an annotator.

A session keeps the answers in `spotted.constraints`. A strategy plans a round of pair queries as a pure
function of the candidate graph, the constraints, the round number and the seed. The session serves the
pairs in order, skips those whose answer is implied by then, and plans the next round after the last.

candidate_graph  the pairs that may be asked, with their scores
rounds           rounds of pair queries, the contract of a strategy, and serving a round
questions        pairs, bursts and galleries, as shown to an annotator
suggestions      pairs that names suggest
bursts           images that one camera took in close succession
stopping         a bound on the merges that are left, and estimates
audit            random pairs that certify how little is missing
strategies       the strategies, by name
"""

from spotted.sampling.audit import bound, draw
from spotted.sampling.bursts import burst_groups, burst_ids
from spotted.sampling.candidate_graph import (
    CandidateGraph,
    from_candidates,
    implied_different,
    implied_same,
    open_rows,
)
from spotted.sampling.questions import Kind, Question, Taken, burst_questions, galleries, pair_question
from spotted.sampling.rounds import Pair, PairQuery, PlanState, Round, RoundQueue, Strategy, queries
from spotted.sampling.stopping import (
    TARGETS,
    Expected,
    Outlook,
    RemainingEstimate,
    estimate_planned,
    estimate_remaining,
    merges_left,
    outlook,
)

__all__ = [
    "TARGETS",
    "CandidateGraph",
    "Expected",
    "Kind",
    "Outlook",
    "Pair",
    "PairQuery",
    "PlanState",
    "Question",
    "RemainingEstimate",
    "Round",
    "RoundQueue",
    "Strategy",
    "Taken",
    "bound",
    "burst_groups",
    "burst_ids",
    "burst_questions",
    "draw",
    "estimate_planned",
    "estimate_remaining",
    "from_candidates",
    "galleries",
    "implied_different",
    "implied_same",
    "merges_left",
    "open_rows",
    "outlook",
    "pair_question",
    "queries",
]
