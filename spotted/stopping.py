"""When to stop asking: an estimate of what is left, and a guarantee on the merges that are left.

The estimate is for progress bars: on four simulated surveys it was 1.4 to 3.2 times the truth where 95 or
99 % of the positives were known, and up to 17 times at half of them. The guarantee is a hypergeometric test
after buscar (Callaghan and Mueller-Hansen 2020), taken over merges of components. Both suppose that answers
are true; the estimate sees candidate pairs alone, the guarantee sees all.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy.stats import hypergeom
from sklearn.linear_model import LogisticRegression

from spotted.constraints import Constraints
from spotted.errors import InvalidInputError
from spotted.sampling.candidates import CandidateGraph, open_rows, pair_keys
from spotted.survey import BoolArray, Float64Array, IntArray

URNS = 400  # tested urns; the least p over fewer urns is larger, so a limit errs on the safe side
SCORE_FLOOR = 1e-3  # keeps the log-odds of scores 0 and 1 finite


@dataclass(frozen=True, slots=True)
class RemainingEstimate:
    """Expected positives among the open pairs of the candidate graph; an estimate, never a guarantee.

    component_pairs: expected number of open component pairs that are one individual.
    image_pairs: expected number of positive image pairs between open components.
    answers: how many answers it rests on.
    """

    component_pairs: float
    image_pairs: float
    answers: int

    def recall(self, found: int) -> float:
        """The estimated share of positive image pairs that is known; 1 where none is expected."""
        expected = found + self.image_pairs
        return found / expected if expected else 1.0


def estimate_remaining(
    graph: CandidateGraph, constraints: Constraints, *, min_answers: int = 50
) -> RemainingEstimate | None:
    """The expected positives left, by the chance of SAME at each score and size (ours).

    A logistic regression of the recent answers, on the log-odds of the fused score of the pair asked and
    the log of the image pairs that the answer decided, is summed over open component pairs, each with its
    highest fused score. Only the later half of the answers counts, and never fewer than `min_answers`:
    what earlier answers left over is poorer than its scores say.

    Returns None under `min_answers` answers, or where the recent ones are all of one kind.
    """
    made = constraints.decisions()
    recent = slice(min(len(made.merged) // 2, max(0, len(made.merged) - min_answers)), None)
    score, kept = _scores(graph, made.first[recent], made.second[recent])
    merged = made.merged[recent][kept]
    if len(merged) < max(min_answers, 1) or merged.all() or not merged.any():
        return None
    model = LogisticRegression().fit(_features(score, made.image_pairs[recent][kept]), merged)
    best, image_pairs = _open_component_pairs(graph, constraints)
    chance = model.predict_proba(_features(best, image_pairs))[:, 1] if len(best) else np.zeros(0)
    return RemainingEstimate(float(chance.sum()), float((chance * image_pairs).sum()), len(merged))


def merges_left(merged: BoolArray, open_component_pairs: int, *, confidence: float = 0.95) -> int:
    """At most this many merges are left, at the given confidence.

    Every suffix of the answers, joined with the open pairs, is an urn from which the suffix was drawn; a
    ranked order draws more merges than chance would, so that too few merges in the suffix speak against
    many in the rest. The bound is the largest number that no urn rejects. Testing several urns, and
    testing again after every answer, is not corrected for (nor is it in buscar): at 95 % the bound held in
    99 % of simulated urns drawn in a ranked order, but only in 87 to 92 % of those drawn at random.

    merged: (q,) in the order of asking, True where the answer merged two components; answers that
    changed nothing are left out.
    open_component_pairs: truly open now, in the candidate graph or not (`Constraints.open_component_pairs`).
    """
    if not 0.0 < confidence < 1.0:
        raise InvalidInputError(f"confidence {confidence} is not between 0 and 1", field="confidence")
    low, high = 0, open_component_pairs
    while low < high:
        middle = (low + high + 1) // 2
        rejected = p_value(merged, open_component_pairs, middle) <= 1.0 - confidence
        low, high = (low, middle - 1) if rejected else (middle, high)
    return low


def is_safe_to_stop(
    merged: BoolArray, open_component_pairs: int, *, target: float, confidence: float = 0.95
) -> bool:
    """True where at least the share `target` of all merges is known, at the given confidence.

    Held on four simulated surveys asked greedily for targets of 0.90, 0.95 and 0.98, long after the target
    was truly reached; above 0.98 only an independent random audit certifies.
    """
    if not 0.0 < target <= 1.0:
        raise InvalidInputError(f"target {target} is not a share of the merges", field="target")
    found = int(merged.sum())
    # the fewest merges left that would make the target missed
    missed = math.floor(round(found / target, 9)) + 1 - found
    if missed > open_component_pairs:
        return True
    return p_value(merged, open_component_pairs, missed) <= 1.0 - confidence


def p_value(merged: BoolArray, open_component_pairs: int, left: int) -> float:
    """The least chance, over urns, of as few merges as were seen if `left` are among the open pairs."""
    if left > open_component_pairs:
        return 0.0
    if not len(merged):
        return 1.0
    drawn = np.unique(np.linspace(1, len(merged), URNS).round().astype(np.int64))
    seen = np.cumsum(merged[::-1])[drawn - 1]
    return float(np.min(hypergeom.cdf(seen, drawn + open_component_pairs, seen + left, drawn)))


def _scores(graph: CandidateGraph, first: IntArray, second: IntArray) -> tuple[Float64Array, BoolArray]:
    """Fused scores of the pairs that the graph holds, and which those are."""
    keys, asked = pair_keys(graph.n, graph.first, graph.second), pair_keys(graph.n, first, second)
    if not len(keys):
        return np.zeros(0), np.zeros(len(asked), dtype=np.bool_)
    rows = np.minimum(np.searchsorted(keys, asked), len(keys) - 1)
    kept: BoolArray = keys[rows] == asked
    return graph.fused[rows[kept]].astype(np.float64), kept


def _open_component_pairs(graph: CandidateGraph, constraints: Constraints) -> tuple[Float64Array, IntArray]:
    """The highest fused score of each open component pair, and its number of image pairs."""
    rows = np.flatnonzero(open_rows(graph, constraints))
    component = constraints.component_ids()
    size = np.bincount(component, minlength=constraints.items)
    a, b = component[graph.first[rows]], component[graph.second[rows]]
    _, pair = np.unique(pair_keys(constraints.items, a, b), return_inverse=True)
    best = np.full(pair.max(initial=-1) + 1, -np.inf)
    np.maximum.at(best, pair, graph.fused[rows])
    sizes = np.zeros(len(best), dtype=np.int64)
    sizes[pair] = size[a] * size[b]
    return best, sizes


def _features(score: Float64Array, image_pairs: IntArray) -> Float64Array:
    score = np.clip(score, SCORE_FLOOR, 1.0 - SCORE_FLOOR)
    return np.stack((np.log(score / (1.0 - score)), np.log(image_pairs)), axis=1)
