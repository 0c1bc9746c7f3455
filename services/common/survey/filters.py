"""Rules on detections: which of them may be candidates, and which a session asks about."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from services.common.rpc import checks
from spotted import messages
from spotted.arrays import BoolArray, Float64Array, IntArray
from spotted.facts.kinds import known_name
from spotted.ranking.rules import CandidateRule
from spotted.survey import Detection
from spotted.v1.scorer_pb2 import CandidateFilter

# number of an empty text
NONE = -1


@dataclass(frozen=True, slots=True)
class Rules:
    """Which detections pass; every rule that is set must be met."""

    comparable_sides_only: bool = False
    exclude_same_encounter: bool = False
    camera_ids: frozenset[str] = frozenset()
    captured_from_s: float | None = None
    captured_before_s: float | None = None
    known_individuals_only: bool = False
    exclude_individual_ids: frozenset[str] = frozenset()
    species: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Numbered:
    """Texts of detections as numbers."""

    number: IntArray
    """(n,) equal for equal texts, NONE for an empty text."""
    of: dict[str, int]
    """Text -> its number."""
    counts: IntArray
    """Number of detections of each number."""

    @classmethod
    def by(cls, texts: Iterable[str]) -> Numbered:
        """Number texts in order of first occurrence."""
        of: dict[str, int] = {}
        numbered = [of.setdefault(text, len(of)) if text else NONE for text in texts]
        number = np.array(numbered, dtype=np.int64)
        return cls(number, of, np.bincount(number[number != NONE], minlength=len(of)))

    def among(self, texts: Iterable[str]) -> BoolArray:
        """Whether each detection has one of the texts, (n,)."""
        numbers = [self.of[text] for text in texts if text in self.of]
        return np.isin(self.number, numbers) if numbers else np.zeros(len(self.number), np.bool_)

    def sharing(self, text: str) -> int:
        """Number of detections that have a text; 0 for an empty text."""
        return int(self.counts[self.of[text]]) if text in self.of else 0


class FilterColumns:
    """The columns that the rules on single detections read."""

    def __init__(self, detections: Sequence[Detection]) -> None:
        self.camera = Numbered.by(d.camera_id for d in detections)
        self.individual = Numbered.by(d.individual_id for d in detections)
        self.species = Numbered.by(d.species for d in detections)
        self.named: BoolArray = np.array([bool(known_name(d.individual_id)) for d in detections], np.bool_)
        """(n,) whether each has the name of an animal."""
        self.animal: IntArray = np.where(self.named, self.individual.number, NONE)
        """(n,) equal for equal names, NONE without one."""
        times = (np.nan if d.captured_at_s is None else d.captured_at_s for d in detections)
        self.time_s: Float64Array = np.fromiter(times, np.float64, len(detections))
        """(n,) NaN if unknown."""


def filter_rules(message: CandidateFilter, field: str = "filter") -> Rules:
    """The rules of a message. Raises InvalidInputError for an invalid time."""
    for part in ("captured_from", "captured_before"):
        checks.instant(getattr(message, part), f"{field}.{part}")
    return Rules(
        comparable_sides_only=message.comparable_sides_only,
        exclude_same_encounter=message.exclude_same_encounter,
        camera_ids=frozenset(message.camera_ids),
        captured_from_s=messages.optional_seconds(message, "captured_from"),
        captured_before_s=messages.optional_seconds(message, "captured_before"),
        known_individuals_only=message.known_individuals_only,
        exclude_individual_ids=frozenset(message.exclude_individual_ids),
        species=frozenset(message.species),
    )


def exclusions(rules: Rules, columns: FilterColumns) -> Iterable[tuple[CandidateRule, BoolArray]]:
    """The detections that each rule excludes, for the rules that do not depend on the other detection."""
    if rules.camera_ids:
        yield CandidateRule.CAMERA, ~columns.camera.among(rules.camera_ids)
    if rules.captured_from_s is not None or rules.captured_before_s is not None:
        earliest = -np.inf if rules.captured_from_s is None else rules.captured_from_s
        end = np.inf if rules.captured_before_s is None else rules.captured_before_s
        # an unknown time compares as false
        yield CandidateRule.TIME, ~((columns.time_s >= earliest) & (columns.time_s < end))
    if rules.known_individuals_only:
        yield CandidateRule.UNKNOWN_INDIVIDUAL, ~columns.named
    if rules.exclude_individual_ids:
        yield CandidateRule.EXCLUDED_INDIVIDUAL, columns.individual.among(rules.exclude_individual_ids)
    if rules.species:
        yield CandidateRule.SPECIES, ~columns.species.among(rules.species)


def passing(rules: Rules, detections: Sequence[Detection]) -> BoolArray:
    """(n,) True for the detections that a session with these rules asks about.

    That a pair must have a known individual is a rule on two: either may be the one.
    """
    outside = [
        mask
        for rule, mask in exclusions(rules, FilterColumns(detections))
        if rule is not CandidateRule.UNKNOWN_INDIVIDUAL
    ]
    passes: BoolArray = ~np.logical_or.reduce([np.zeros(len(detections), np.bool_), *outside])
    return passes
