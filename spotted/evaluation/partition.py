"""Agreement of a partition into individuals with known individuals.

Sources and choices: docs/research/provenance.md.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from spotted.counting import same_pairs
from spotted.errors import InvalidInputError


@dataclass(frozen=True, slots=True)
class PartitionMetrics:
    """How far a partition agrees with the known individuals of its detections."""

    detections: int
    """Detections whose individual is known; the others are left out."""
    pair_precision: float
    """Share of the pairs joined by the partition that are true; 1 if it joins none."""
    pair_recall: float
    """Share of the true pairs that the partition joins; 1 if there are none."""
    b_cubed_precision: float
    """Mean over detections of the share of their part that shows their individual."""
    b_cubed_recall: float
    """Mean over detections of the share of their individual that is in their part."""
    adjusted_rand: float
    """Adjusted Rand index: 1 for the known individuals, 0 for what chance gives parts of these sizes."""


def measure_partition(parts: Sequence[str], individuals: Sequence[str]) -> PartitionMetrics:
    """Agreement of a partition with known individuals.

    Pairwise and B-cubed precision and recall (Bagga & Baldwin 1998), and the adjusted Rand index (Hubert &
    Arabie 1985).

    parts: the part of each detection, "" for one that is in no part: a part of its own.
    individuals: known individual of each detection, "" if unknown.
    Raises InvalidInputError if the two differ in length or no individual is known.

    >>> metrics = measure_partition(["x", "x", "y"], ["Asha", "Tau", "Tau"])
    >>> metrics.pair_precision, metrics.pair_recall, round(metrics.b_cubed_precision, 3)
    (0.0, 0.0, 0.667)
    """
    if len(parts) != len(individuals):
        raise InvalidInputError(
            f"{len(parts)} parts for {len(individuals)} individuals; give one of each per detection"
        )
    # no id starts with a null character, so a detection without a part gets one of its own
    rows = enumerate(zip(parts, individuals, strict=True))
    known = [(part or f"\0{row}", individual) for row, (part, individual) in rows if individual]
    if not known:
        raise InvalidInputError("no individual is known, so the partition cannot be measured")
    part_of, individual_of = [part for part, _ in known], [individual for _, individual in known]
    joined, true = same_pairs(part_of), same_pairs(individual_of)
    both = same_pairs(["\0".join(one) for one in known])
    cells, part_sizes, individual_sizes = Counter(known), Counter(part_of), Counter(individual_of)
    return PartitionMetrics(
        detections=len(known),
        pair_precision=both / joined if joined else 1.0,
        pair_recall=both / true if true else 1.0,
        b_cubed_precision=sum(n * n / part_sizes[part] for (part, _), n in cells.items()) / len(known),
        b_cubed_recall=sum(n * n / individual_sizes[i] for (_, i), n in cells.items()) / len(known),
        adjusted_rand=_adjusted_rand(joined, true, both, len(known) * (len(known) - 1) // 2),
    )


def _adjusted_rand(joined: int, true: int, both: int, pairs: int) -> float:
    """From the numbers of pairs that are joined, true, both of these, and of all pairs."""
    chance = joined * true / max(pairs, 1)
    most = (joined + true) / 2
    # both partitions have only single detections, or both have only one part
    return 1.0 if most == chance else (both - chance) / (most - chance)
