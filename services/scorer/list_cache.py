"""The candidates of all detections of a survey, kept from one reading to the next."""

from __future__ import annotations

import threading
from dataclasses import dataclass

import numpy as np

from services.common.survey.state import Snapshot
from spotted.arrays import IntArray
from spotted.ranking.candidate_lists import Standing
from spotted.ranking.gallery import Gallery
from spotted.scoring.fusion import Fusion

# candidates kept for each detection, however few are asked for
LEAST_K = 20
# candidates kept in all, some 24 bytes each
MOST = 20_000_000


@dataclass(frozen=True, slots=True)
class _Kept:
    snapshot: Snapshot
    gallery: Gallery
    standing: Standing


class StandingLists:
    """The lists of one survey by the score that ranks them; safe for threads.

    Detections that came are ranked against all, those that went leave the lists; the result is that of
    ranking everyone anew. Where anything else changed the lists are made anew.
    """

    def __init__(self) -> None:
        self._kept: dict[Fusion, _Kept] = {}
        self._lock = threading.Lock()

    @property
    def size_bytes(self) -> int:
        """Memory that the lists take."""
        return sum(kept.standing.size_bytes for kept in [*self._kept.values()])

    def of(
        self, snapshot: Snapshot, gallery: Gallery, k: int, fusion: Fusion, *, threads: int
    ) -> Standing | None:
        """Lists of k candidates or more of every detection; None where they would be too long to keep."""
        if max(k, LEAST_K) * len(gallery) > MOST:
            return None
        with self._lock:
            before = self._kept.get(fusion)
            if (
                before is None
                or before.standing.k < k
                or not _scores_alike(before, snapshot, gallery, fusion)
            ):
                standing = Standing.of(gallery, max(k, LEAST_K), fusion, threads=threads)
            else:
                standing = _changed(before, snapshot, gallery, threads)
            self._kept[fusion] = _Kept(snapshot, gallery, standing)
            return standing


def _scores_alike(before: _Kept, snapshot: Snapshot, gallery: Gallery, fusion: Fusion) -> bool:
    """Whether a pair that was there before has the score that it had."""
    known, now = before.snapshot.survey, snapshot.survey
    return (
        before.snapshot.cameras is snapshot.cameras
        and (before.gallery.extent, before.gallery.params) == (gallery.extent, gallery.params)
        and known.head_digest == now.head_digest
        and (fusion is not Fusion.CALIBRATED or known.calibration_digest == now.calibration_digest)
    )


def _changed(before: _Kept, snapshot: Snapshot, gallery: Gallery, threads: int) -> Standing:
    standing, count = before.standing, len(before.snapshot.detections)
    if snapshot.generation != before.snapshot.generation:
        kept = _kept_rows(before, snapshot, gallery)
        count = len(kept)
        smaller = gallery if count == len(gallery) else gallery.first(count)
        standing = standing.shrunk(smaller, kept, threads=threads)
    return standing if count == len(gallery) else standing.grown(gallery, threads=threads)


def _kept_rows(before: _Kept, snapshot: Snapshot, gallery: Gallery) -> IntArray:
    """The rows that were there before and are the first ones now, in their order."""
    kept: list[int] = []
    for row, detection in enumerate(before.snapshot.detections):
        place = len(kept)
        # the object itself stays; one that went and came back is another
        if place < len(snapshot.detections) and snapshot.detections[place] is detection:
            kept.append(row)
    rows = np.array(kept, dtype=np.int64)
    alike = (before.gallery.embeddings[rows] == gallery.embeddings[: len(rows)]).all(axis=1)
    # from the first that differs on, all are taken for new
    return rows if alike.all() else rows[: int(np.argmin(alike))]
