"""True matches that feasibility rules out: whatever they look like, the fused score cannot find them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from spotted.evaluation.comparison import SurveyRanks
from spotted.scoring import geometry

# below a hundredth, the fused score of the best look stands behind that of nearly every feasible pair
RULED_OUT = 0.01


@dataclass(frozen=True, slots=True)
class RuledOut:
    """The true matches that feasibility rules out.

    >>> RuledOut(pairs=200, ruled_out=30, gap_s=1200.0, distance_m=900.0).share
    0.15
    """

    pairs: int
    """True matches whose feasibility is known."""
    ruled_out: int
    """How many of them have a feasibility of at most RULED_OUT."""
    gap_s: float = 0.0
    """Half of those that are ruled out have at most this gap; 0 if there are none."""
    distance_m: float = 0.0
    """Half of those that are ruled out are at most this far apart; 0 if there are none."""

    @property
    def share(self) -> float:
        """The share that is ruled out."""
        return self.ruled_out / self.pairs if self.pairs else 0.0


def count_ruled_out(ranked: SurveyRanks) -> RuledOut:
    """The true matches of a survey with known individuals that its feasibility rules out."""
    pairs = ranked.pairs
    # both of a pair are queries
    once = pairs.same & (pairs.query < pairs.candidate)
    first, second = pairs.query[once], pairs.candidate[once]
    feasibility = ranked.gallery.score_pairs(first, second).feasibility
    out = feasibility <= RULED_OUT
    known = int((~np.isnan(feasibility)).sum())
    if not out.any():
        return RuledOut(known, 0)
    table = ranked.gallery.table
    gap_s = geometry.gap_s(table, first[out], second[out])
    apart_m = geometry.distance_m(table, first[out], second[out])
    return RuledOut(known, int(out.sum()), float(np.median(gap_s)), float(np.median(apart_m)))
