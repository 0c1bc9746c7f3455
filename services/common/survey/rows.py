"""The detections of a survey as rows that grow in place: the cost of an addition is that of the new rows."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

import numpy as np
import numpy.typing as npt

from spotted.arrays import IntArray
from spotted.survey import Camera, Detection, DetectionTable, detection_table

HalfArray = npt.NDArray[np.float16]

# rows allocated at first
ROOM = 1024


class DetectionRows:
    """Detections and their base vectors, in the order in which they were added.

    by_id: in row order. row_of: detection id -> row. Arrays that were read stay valid while rows are
    appended or corrected, since no row is written twice. A removal renumbers the rows; it, and a correction
    of vectors, begins a new `generation`.
    """

    def __init__(self) -> None:
        self.by_id: dict[str, Detection] = {}
        self.row_of: dict[str, int] = {}
        self.generation = 0
        self._vectors: HalfArray = np.empty((0, 0), np.float16)
        # the first rows, ordered by their ids; later rows are not included yet
        self._in_order: list[int] = []
        self._table: DetectionTable | None = None
        self._images: dict[str, int] = {}
        # rows that were corrected since the table was made
        self._corrected: set[int] = set()

    def __len__(self) -> int:
        return len(self.by_id)

    def append(self, detections: Sequence[Detection], vectors: HalfArray) -> None:
        """Add new detections with their unit vectors (n, D)."""
        first, end = len(self), len(self) + len(detections)
        if end > len(self._vectors) or vectors.shape[1] != self._vectors.shape[1]:
            grown = np.empty((max(ROOM, end + end // 2), vectors.shape[1]), np.float16)
            if first:
                grown[:first] = self._vectors[:first]
            self._vectors = grown
        self._vectors[first:end] = vectors
        for row, detection in enumerate(detections, start=first):
            self.by_id[detection.detection_id] = detection
            self.row_of[detection.detection_id] = row

    def remove(self, detection_ids: Collection[str]) -> None:
        """Take detections out; ids that are not there are passed over."""
        gone = {self.row_of[i] for i in detection_ids if i in self.row_of}
        if not gone:
            return
        kept = np.array([row for row in range(len(self)) if row not in gone], dtype=np.int64)
        detections, vectors = list(self.by_id.values()), self._vectors[kept]
        # new columns: readers of the old numbering keep theirs
        self.by_id, self.row_of, self._in_order = {}, {}, []
        self._vectors = vectors[:0]
        self.move()
        self.generation += 1
        self.append([detections[row] for row in kept], vectors)

    def update(self, detections: Sequence[Detection], vectors: HalfArray | None = None) -> None:
        """Replace detections by those of the same ids; they keep their rows.

        vectors: (m, D) new unit vectors of the first m of them, None for none.
        """
        self.by_id |= {detection.detection_id: detection for detection in detections}
        rows = [self.row_of[detection.detection_id] for detection in detections]
        self._corrected.update(rows)
        if vectors is not None:
            # a copy: readers of the old vectors keep theirs
            self._vectors = self._vectors.copy()
            self._vectors[rows[: len(vectors)]] = vectors
            self.generation += 1

    def vectors(self, dimension: int) -> HalfArray:
        """The vectors, (n, D); without detections D is `dimension`."""
        return self._vectors[: len(self)] if len(self) else np.empty((0, dimension), np.float16)

    @property
    def vectors_bytes(self) -> int:
        """Memory of the vectors, including rows allocated in advance."""
        return self._vectors.nbytes

    def order(self) -> IntArray:
        """Rank of each detection's id among all, (n,)."""
        ids = list(self.by_id)
        # two sorted runs merge in linear time
        self._in_order += sorted(range(len(self._in_order), len(ids)), key=ids.__getitem__)
        self._in_order.sort(key=ids.__getitem__)
        order = np.empty(len(ids), dtype=np.int64)
        order[self._in_order] = np.arange(len(ids))
        return order

    def table(self, cameras: Mapping[str, Camera]) -> DetectionTable:
        """The columns for scoring. cameras: those of the last call, unless `move` was called since."""
        known = 0 if self._table is None else len(self._table)
        if self._table is not None and self._corrected:
            detections = list(self.by_id.values())
            rows = sorted(row for row in self._corrected if row < known)
            fresh = detection_table([detections[row] for row in rows], cameras, self._images)
            self._table = self._table.replaced(np.array(rows, dtype=np.int64), fresh)
        self._corrected.clear()
        if self._table is None or known < len(self):
            fresh = detection_table(list(self.by_id.values())[known:], cameras, self._images)
            self._table = fresh if self._table is None else self._table.followed_by(fresh)
        return self._table

    def move(self) -> None:
        """Discard the detections' positions after cameras changed."""
        self._table, self._images = None, {}
