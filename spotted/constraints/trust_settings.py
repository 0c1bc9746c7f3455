"""Settings of verified trust: when answers are sufficient, and what is checked.

The values held on simulated surveys with up to 3 % wrong answers. Sources and choices:
docs/research/provenance.md.
"""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class TrustSettings:
    """Settings of verified trust.

    >>> settings = TrustSettings(merge_above=0.95)
    >>> [round(settings.merge_bar(image_pairs), 2) for image_pairs in (1, 100)]
    [2.94, 5.3]
    """

    merge_above: float = 0.98
    """Least posterior at which two components become one."""
    wrong_pairs: float = 0.5
    """Most image pairs that a merge may be expected to make wrong; large components need more evidence."""
    large: int = 5
    """Items from which a component is large; if both are, a merge needs `large_answers`."""
    large_answers: int = 2
    """Image pairs answered SAME that a merge of two large components needs."""
    settle_above: float = 0.95
    """Least posterior for two single items whose image pair was asked `asks` times."""
    separate_below: float = 0.02
    """Posterior below which a DIFFERENT answer separates."""
    lost_pairs: float = 0.1
    """Most image pairs that a separation may be expected to lose."""
    prior_floor: float = 0.01
    """Lowest probability of a strategy that is used as a prior; lower ones are raised to it."""
    prior_ceiling: float = 0.97
    """Highest probability of a strategy that is used as a prior; higher ones are lowered to it."""
    unknown_prior: float = 0.5
    """Prior if the strategy gave no probability."""
    repeat: float = 0.2
    """Weight of a further answer to an image pair that has one; errors may persist per image pair."""
    asks: int = 3
    """Most answers to one image pair if two components have no other to ask."""
    check_share: float = 0.05
    """Audits are asked while fewer than this share of all answers were about what was decided."""
    audit_risk: float = 0.05
    """Least number of image pairs expected to be wrong by a link, for the link to be audited."""
    reopen_risk: float = 0.07
    """Least number of image pairs expected to be wrong by a separation, for it to be audited."""
    error_rate: float = 0.01
    """Error rates of an annotator before anything is learned."""
    error_strength: float = 12.0
    """Number of checked answers that the error rates before learning weigh as much as."""

    def merge_bar(self, image_pairs: int) -> float:
        """The log-odds that a merge of this many image pairs needs."""
        return max(log_odds(self.merge_above), math.log(image_pairs / self.wrong_pairs))

    def prior(self, probability: float | None) -> float:
        """The prior log-odds of a probability, within the limits."""
        if probability is None:
            probability = self.unknown_prior
        return log_odds(min(max(probability, self.prior_floor), self.prior_ceiling))


def log_odds(probability: float) -> float:
    """Natural log of the odds of a probability strictly between 0 and 1.

    >>> log_odds(0.5)
    0.0
    """
    return math.log(probability / (1.0 - probability))


def probability_of(odds: float) -> float:
    """The probability of log-odds; 0 or 1 beyond rounding."""
    if odds >= 0.0:
        return 1.0 / (1.0 + math.exp(-min(odds, 700.0)))
    return math.exp(max(odds, -700.0)) / (1.0 + math.exp(max(odds, -700.0)))
