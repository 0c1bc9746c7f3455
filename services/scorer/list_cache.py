"""The candidates of all detections of a survey, kept between calls and updated as the survey changes."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from services.common.survey.state import Snapshot
from spotted.arrays import IntArray
from spotted.ranking.candidate_lists import CandidateTable
from spotted.ranking.defaults import TOP_K
from spotted.ranking.gallery import Gallery
from spotted.ranking.ranker import Ranker
from spotted.scoring.fusion import Fusion
from spotted.survey import Detection

# candidates kept in all, some 24 bytes each
MOST = 20_000_000


@dataclass(frozen=True, slots=True)
class _Entry:
    snapshot: Snapshot
    gallery: Gallery
    table: CandidateTable


class ListCache:
    """The candidate tables of one survey, one per fusion; safe for threads.

    At least TOP_K candidates are kept for each detection. New detections are ranked against all others,
    removed ones leave the lists, corrected ones do both; the result equals that of ranking everyone from
    scratch. After any other change the table is made again.
    """

    def __init__(self) -> None:
        self._entries: dict[Fusion, _Entry] = {}
        self._lock = threading.Lock()

    @property
    def size_bytes(self) -> int:
        """Memory that the lists take."""
        return sum(entry.table.size_bytes for entry in [*self._entries.values()])

    def table(
        self,
        snapshot: Snapshot,
        gallery: Gallery,
        ranker: Callable[[], Ranker],
        k: int,
        fusion: Fusion,
        *,
        threads: int,
    ) -> CandidateTable | None:
        """The k best candidates or more of every detection; None if they would be too many to keep.

        ranker: returns the ranker of the gallery; called only if something has to be ranked.
        """
        if max(k, TOP_K) * len(gallery) > MOST:
            return None
        with self._lock:
            before = self._entries.get(fusion)
            # new marks may change any list by LOCAL
            if fusion is Fusion.LOCAL and before is not None and before.gallery is not gallery:
                before = None
            if before is None or before.table.k < k or not _scores_alike(before, snapshot, gallery, fusion):
                table = CandidateTable.of(ranker(), max(k, TOP_K), fusion, threads=threads)
            else:
                table = _updated(before, snapshot, gallery, ranker, threads)
            self._entries[fusion] = _Entry(snapshot, gallery, table)
            return table


def _scores_alike(before: _Entry, snapshot: Snapshot, gallery: Gallery, fusion: Fusion) -> bool:
    """Whether pairs that are in both snapshots have the same score in both."""
    known, now = before.snapshot.survey, snapshot.survey
    return (
        before.snapshot.cameras is snapshot.cameras
        and (before.gallery.extent, before.gallery.params) == (gallery.extent, gallery.params)
        and known.head_digest == now.head_digest
        and (
            fusion is not Fusion.CALIBRATED
            or (
                known.calibration_digest == now.calibration_digest and _marks_alike(before, snapshot, gallery)
            )
        )
    )


def _marks_alike(before: _Entry, snapshot: Snapshot, gallery: Gallery) -> bool:
    """Whether no other pairs with the same features have local scores now, if these count."""
    return not _uses_marks(gallery) or before.snapshot.local.scores == snapshot.local.scores


def _uses_marks(gallery: Gallery) -> bool:
    return gallery.calibration is not None and gallery.calibration.uses_marks


def _updated(
    before: _Entry, snapshot: Snapshot, gallery: Gallery, ranker: Callable[[], Ranker], threads: int
) -> CandidateTable:
    """The table after detections were added, removed or corrected; corrected ones count as new."""
    known, present = _unchanged_rows(before, snapshot, gallery)
    if not len(known):
        return CandidateTable.of(ranker(), before.table.k, before.table.fusion, threads=threads)
    table, count = before.table, len(present)
    order = np.concatenate([present, np.setdiff1d(np.arange(len(gallery)), present)])
    in_order = bool((order[:-1] < order[1:]).all())
    if len(known) < len(table):
        if count == len(gallery):
            remaining = ranker()
        else:
            remaining = Ranker(gallery.first(count) if in_order else gallery.at(present))
        table = table.shrunk(remaining, known, threads=threads)
    if count == len(gallery):
        return table
    if in_order:
        return table.grown(ranker(), threads=threads)
    return table.grown(Ranker(gallery.at(order)), threads=threads).reordered(order)


def _unchanged_rows(before: _Entry, snapshot: Snapshot, gallery: Gallery) -> tuple[IntArray, IntArray]:
    """The earlier rows that are still present and score as before, in their order, and their present rows."""
    features, features_now = before.snapshot.local.keys, snapshot.local.keys
    marked = before.table.fusion is Fusion.CALIBRATED and _uses_marks(gallery)
    known: list[int] = []
    present: list[int] = []
    row_now, count = 0, len(snapshot.detections)
    for row, detection in enumerate(before.snapshot.detections):
        if row_now == count:
            break
        now = snapshot.detections[row_now]
        # a removal keeps the order of the others; one that was removed and added again comes later
        if now.detection_id == detection.detection_id:
            same_marks = not marked or features.get(now.detection_id) == features_now.get(now.detection_id)
            if same_marks and (now is detection or _scored_fields(now) == _scored_fields(detection)):
                known.append(row)
                present.append(row_now)
            row_now += 1
    rows, rows_now = np.array(known, dtype=np.int64), np.array(present, dtype=np.int64)
    if before.snapshot.generation == snapshot.generation:
        return rows, rows_now
    alike = (before.gallery.embeddings[rows] == gallery.embeddings[rows_now]).all(axis=1)
    return rows[alike], rows_now[alike]


def _scored_fields(detection: Detection) -> tuple[object, ...]:
    """The fields that a score depends on, besides the vector and the cameras."""
    return detection.camera_id, detection.captured_at_s, detection.image_id, detection.side
