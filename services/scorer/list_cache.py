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
    removed ones leave the lists; the result equals that of ranking everyone from scratch. After any other
    change the table is made again.
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
        and (fusion is not Fusion.CALIBRATED or known.calibration_digest == now.calibration_digest)
    )


def _updated(
    before: _Entry, snapshot: Snapshot, gallery: Gallery, ranker: Callable[[], Ranker], threads: int
) -> CandidateTable:
    table, count = before.table, len(before.snapshot.detections)
    if snapshot.generation != before.snapshot.generation:
        kept = _kept_rows(before, snapshot, gallery)
        count = len(kept)
        smaller = ranker() if count == len(gallery) else Ranker(gallery.first(count))
        table = table.shrunk(smaller, kept, threads=threads)
    return table if count == len(gallery) else table.grown(ranker(), threads=threads)


def _kept_rows(before: _Entry, snapshot: Snapshot, gallery: Gallery) -> IntArray:
    """The earlier rows that are now the first ones, in their order."""
    kept: list[int] = []
    for row, detection in enumerate(before.snapshot.detections):
        index = len(kept)
        # a detection that was removed and added again is another object
        if index < len(snapshot.detections) and snapshot.detections[index] is detection:
            kept.append(row)
    rows = np.array(kept, dtype=np.int64)
    alike = (before.gallery.embeddings[rows] == gallery.embeddings[: len(rows)]).all(axis=1)
    # from the first row that differs on, all count as new
    return rows if alike.all() else rows[: int(np.argmin(alike))]
