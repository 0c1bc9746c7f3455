"""The calibration of a survey without labels: the order of the product, with probabilities of other surveys.

Ours: learned on two composites, small parts of them, small drawn surveys and stress surveys of two shapes
(seeds 0 to 2), so that the largest errors are small. How it was measured: docs/research/calibration.md.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from spotted.arrays import Float64Array
from spotted.calibration.evidence import LOOKS, TERMS, PairEvidence, Term
from spotted.calibration.kinds import CalibrationKind
from spotted.calibration.labels import starting_share
from spotted.calibration.model import Calibration, rounded

# log-odds less those of the share = OFFSET + SLOPE * log(product) + BEND * product
OFFSET, SLOPE, BEND = -1.74, 0.02, 5.2
_LINE = tuple(term for term in TERMS if term.name in {"log_visual", "visual", "log_feasibility", "product"})


def starting_line(share: float) -> Float64Array:
    """Constant, slope and bend of the product in a survey with a share of SAME pairs, (3,)."""
    return np.array([OFFSET + np.log(share) - np.log1p(-share), SLOPE, BEND])


def line_values(pairs: PairEvidence) -> Float64Array:
    """1, the log of the product and the product of each pair, (m, 3); looks if feasibility is unknown.

    >>> nowhere = np.full(2, np.nan)
    >>> pairs = PairEvidence(np.array([0.5, 1.0]), nowhere, nowhere, nowhere, np.ones(2, np.int8))
    >>> line_values(pairs).round(2).tolist()
    [[1.0, -0.69, 0.5], [1.0, 0.0, 1.0]]
    """
    of = {term.name: term.of(pairs) for term in _LINE}
    placed = pairs.placed()
    score = of["log_visual"] + np.where(placed, of["log_feasibility"], 0.0)
    product = np.where(placed, of["product"], of["visual"])
    return np.column_stack([np.ones_like(score), score, product]).astype(np.float64)


def product_weights(line: Float64Array, terms: Sequence[Term]) -> Float64Array:
    """The constant and the weights of terms for which the log-odds are a line of the product, (1 + terms,).

    >>> product_weights(np.array([-2.0, 1.0, 3.0]), LOOKS).tolist()
    [-2.0, 1.0, 3.0, 0.0, 0.0, 0.0]
    """
    constant, slope, bend = line
    names = [term.name for term in terms]
    weight = dict.fromkeys(names, 0.0) | {"log_visual": slope}
    if "product" in weight:
        weight |= {"log_feasibility": slope, "product": bend}
    else:
        weight |= {"visual": bend}
    return np.array([constant, *(weight[name] for name in names)])


def starting_calibration(candidates: int) -> Calibration:
    """The calibration of a survey in which a detection competes with a number of others.

    >>> from spotted.calibration.evidence import PairEvidence
    >>> from spotted.calibration.model import probability
    >>> nowhere = np.full(3, np.nan)
    >>> pairs = PairEvidence(np.array([0.2, 0.5, 0.9]), nowhere, nowhere, nowhere, np.ones(3, np.int8))
    >>> few, many = (probability(starting_calibration(n), pairs) for n in (100, 10_000))
    >>> bool((np.diff(few) > 0).all()), bool((few > many).all())
    (True, True)
    """
    share = starting_share(candidates)
    line = starting_line(share)
    return Calibration(
        kind=CalibrationKind.STARTING,
        placed=rounded(product_weights(line, TERMS)),
        unplaced=rounded(product_weights(line, LOOKS)),
        scale=(1.0,) * len(TERMS),
        same_pairs=0,
        different_pairs=0,
        individuals=0,
        share=rounded(np.array([share]))[0],
    )
