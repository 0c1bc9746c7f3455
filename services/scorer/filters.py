"""Rules on which detections may be candidates, and the number that each rule excludes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from services.common.survey.filters import NONE, FilterColumns, Numbered, Rules, exclusions
from services.common.survey.state import Snapshot
from spotted.arrays import BoolArray, IntArray
from spotted.errors import NotFoundError
from spotted.ranking.contest import Allowed
from spotted.ranking.rules import CandidateRule
from spotted.survey import Detection, DetectionTable, Side

# opposite flanks, whose coats cannot be compared
_OPPOSITE = {Side.LEFT: Side.RIGHT, Side.RIGHT: Side.LEFT}


class Columns(FilterColumns):
    """The columns that rules read, for all detections of a snapshot."""

    def __init__(self, snapshot: Snapshot) -> None:
        detections = snapshot.detections
        super().__init__(detections)
        self.table: DetectionTable = snapshot.gallery.table
        self.encounter = Numbered.by(d.encounter_id for d in detections)
        self.image = Numbered.by(d.image_id for d in detections)
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
        self._excluded = dict(exclusions(rules, columns))
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


def opposite_flanks(first: IntArray, second: IntArray) -> BoolArray:
    """Whether sides that broadcast are opposite flanks."""
    flanks: Sequence[int] = (Side.LEFT, Side.RIGHT)
    return np.asarray((first != second) & np.isin(first, flanks) & np.isin(second, flanks))
