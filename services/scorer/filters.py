"""Rules on which detections may be candidates, and the number that each rule excludes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from services.common.survey.state import Snapshot
from spotted.arrays import BoolArray, IntArray
from spotted.errors import NotFoundError
from spotted.ranking.rules import CandidateRule
from spotted.ranking.search import Allowed
from spotted.survey import Detection, DetectionTable, Side

# number of an empty text
NONE = -1
# opposite flanks, whose coats cannot be compared
_OPPOSITE = {Side.LEFT: Side.RIGHT, Side.RIGHT: Side.LEFT}


@dataclass(frozen=True, slots=True)
class Rules:
    """Which detections may be candidates; every rule that is set must be met."""

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


class Columns:
    """The columns that rules read, for all detections of a snapshot."""

    def __init__(self, snapshot: Snapshot) -> None:
        detections = snapshot.detections
        self.table: DetectionTable = snapshot.gallery.table
        self.camera = Numbered.by(d.camera_id for d in detections)
        self.encounter = Numbered.by(d.encounter_id for d in detections)
        self.individual = Numbered.by(d.individual_id for d in detections)
        self.image = Numbered.by(d.image_id for d in detections)
        self.species = Numbered.by(d.species for d in detections)
        self.sides = np.bincount(self.table.side, minlength=max(Side) + 1)


class Filter:
    """Applies rules to the detections of a snapshot. Raises NotFoundError for an unknown camera."""

    def __init__(self, rules: Rules, columns: Columns, snapshot: Snapshot) -> None:
        for camera_id in sorted(rules.camera_ids - snapshot.cameras.keys()):
            raise NotFoundError(
                f"camera {camera_id!r} of the filter is not in the survey; correct the filter"
            )
        self._rules = rules
        self._columns = columns
        self._excluded = dict(_exclusions(rules, columns))
        self._counts = {rule: int(mask.sum()) for rule, mask in self._excluded.items()}
        self._allowed = ~np.logical_or.reduce(list(self._excluded.values())) if self._excluded else None

    def allowed(self) -> Allowed | None:
        """The rules as a mask of pairs of rows that broadcast; None if no rule is set."""
        if self._rules == Rules():
            return None
        side, encounter = self._columns.table.side, self._columns.encounter.number

        def allowed(rows: IntArray, others: IntArray) -> BoolArray:
            shape = np.broadcast_shapes(rows.shape, others.shape)
            mask = np.ones(shape, np.bool_)
            if self._allowed is not None:
                mask &= self._allowed[others]
            if self._rules.comparable_sides_only:
                mask &= ~opposite_flanks(side[rows], side[others])
            if self._rules.exclude_same_encounter:
                mask &= (encounter[rows] != encounter[others]) | (encounter[rows] == NONE)
            return mask

        return allowed

    def competes(self, query: Detection) -> BoolArray:
        """Whether each detection may be a candidate of one that is not stored, (n,)."""
        columns = self._columns
        mask = ~columns.image.among([query.image_id])
        if self._allowed is not None:
            mask &= self._allowed
        if self._rules.comparable_sides_only:
            mask &= columns.table.side != _OPPOSITE.get(query.side, NONE)
        if self._rules.exclude_same_encounter:
            mask &= ~columns.encounter.among([query.encounter_id])
        return mask

    def excluded(self, query: Detection, row: int | None = None) -> tuple[tuple[CandidateRule, int], ...]:
        """Number of detections that each rule excludes.

        row: that of the query, which is not counted; None if the query is not stored.
        """
        columns, itself = self._columns, int(row is not None)
        counts = {
            CandidateRule.SAME_IMAGE: columns.image.sharing(query.image_id) - itself if query.image_id else 0
        }
        if self._rules.comparable_sides_only:
            counts[CandidateRule.SIDE] = (
                int(columns.sides[_OPPOSITE[query.side]]) if query.side in _OPPOSITE else 0
            )
        if self._rules.exclude_same_encounter and query.encounter_id:
            counts[CandidateRule.ENCOUNTER] = columns.encounter.sharing(query.encounter_id) - itself
        for rule, count in self._counts.items():
            counts[rule] = count - int(row is not None and bool(self._excluded[rule][row]))
        return tuple((rule, count) for rule, count in sorted(counts.items()) if count)


def _exclusions(rules: Rules, columns: Columns) -> Iterable[tuple[CandidateRule, BoolArray]]:
    """The detections that each rule excludes, for the rules that do not depend on the query."""
    if rules.camera_ids:
        yield CandidateRule.CAMERA, ~columns.camera.among(rules.camera_ids)
    if rules.captured_from_s is not None or rules.captured_before_s is not None:
        earliest = -np.inf if rules.captured_from_s is None else rules.captured_from_s
        end = np.inf if rules.captured_before_s is None else rules.captured_before_s
        # an unknown time compares as false
        yield CandidateRule.TIME, ~((columns.table.time_s >= earliest) & (columns.table.time_s < end))
    if rules.known_individuals_only:
        yield CandidateRule.UNKNOWN_INDIVIDUAL, columns.individual.number == NONE
    if rules.exclude_individual_ids:
        yield CandidateRule.EXCLUDED_INDIVIDUAL, columns.individual.among(rules.exclude_individual_ids)
    if rules.species:
        yield CandidateRule.SPECIES, ~columns.species.among(rules.species)


def opposite_flanks(first: IntArray, second: IntArray) -> BoolArray:
    """Whether sides that broadcast are opposite flanks."""
    flanks: Sequence[int] = (Side.LEFT, Side.RIGHT)
    return np.asarray((first != second) & np.isin(first, flanks) & np.isin(second, flanks))
