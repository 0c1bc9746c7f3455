"""The detections of a survey as arrays, and the exact score of any pair of them.

Sources and choices: docs/research/provenance.md.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Self

import numpy as np
import numpy.typing as npt

from spotted.arrays import Float32Array, IntArray
from spotted.calibration.evidence import PairEvidence
from spotted.calibration.model import Calibration
from spotted.scoring import geometry
from spotted.scoring.feasibility import FeasibilityParams
from spotted.scoring.fusion import Fusion
from spotted.scoring.local_pairs import LocalPairs
from spotted.scoring.pair_scores import PairScores, Scoring
from spotted.scoring.similarity import pair_similarity
from spotted.survey import Detection, DetectionTable, Extent, Survey, detection_table, id_order

DEFAULT_PARAMS = FeasibilityParams()


@dataclass(frozen=True, slots=True)
class Gallery:
    """The detections of a survey, one row each. `Ranker` finds the best candidates among them.

    >>> from spotted.scoring import unit_rows
    >>> from spotted.survey import Camera
    >>> cameras = {"CAM01": Camera("CAM01", 0.0, 0.0), "CAM02": Camera("CAM02", 3000.0, 4000.0)}
    >>> survey = Survey("serengeti", 0.0, 864_000.0, cameras=cameras)
    >>> detections = [Detection("a", "CAM01", 0.0), Detection("b", "CAM02", 86_400.0)]
    >>> gallery = Gallery.of(survey, detections, unit_rows(np.array([[1.0, 0.0], [0.8, 0.6]])))
    >>> scores = gallery.score_pairs(np.array([0]), np.array([1]))
    >>> scores.visual.round(3), scores.fused.round(5)
    (array([0.8], dtype=float32), array([4.e-05], dtype=float32))
    """

    embeddings: npt.NDArray[np.floating]
    """(n, D) unit rows, float16 or float32."""
    table: DetectionTable
    order: IntArray
    """(n,) rank of each detection's id among all; equal scores are ordered by it."""
    extent: Extent
    params: FeasibilityParams
    calibration: Calibration | None = None
    """Required by Fusion.CALIBRATED."""
    local: LocalPairs | None = None
    """Local scores of matched pairs of its rows, for LOCAL and CALIBRATED."""

    @classmethod
    def of(
        cls,
        survey: Survey,
        detections: Sequence[Detection],
        embeddings: npt.NDArray[np.floating],
        params: FeasibilityParams = DEFAULT_PARAMS,
    ) -> Self:
        """The gallery of a survey. embeddings: (n, D) unit rows, in the order of the detections."""
        order = id_order([detection.detection_id for detection in detections])
        return cls(embeddings, detection_table(detections, survey.cameras), order, survey.extent(), params)

    def __len__(self) -> int:
        return len(self.table)

    def first(self, count: int) -> Gallery:
        """A gallery of the first `count` rows."""
        rows = np.arange(count)
        order = np.argsort(np.argsort(self.order[:count]))
        return self._of_rows(rows, self.embeddings[:count], order)

    def at(self, rows: IntArray) -> Gallery:
        """A gallery of the given rows, in that order."""
        order = np.argsort(np.argsort(self.order[rows]))
        return self._of_rows(rows, self.embeddings[rows], order)

    def score_pairs(self, first: IntArray, second: IntArray, fusion: Fusion = Fusion.PRODUCT) -> PairScores:
        """Exact scores of pairs of rows, (m,); two animals in one image have a fused score of 0."""
        return self.fuse_pairs(first, second, pair_similarity(self.embeddings, first, second), fusion)

    def fuse_pairs(
        self, first: IntArray, second: IntArray, visual: Float32Array, fusion: Fusion = Fusion.PRODUCT
    ) -> PairScores:
        """As `score_pairs`, from the exact visual similarity of the pairs, (m,)."""
        feasibility, fused = self.scoring(fusion).exact(visual, first, second)
        two_animals = geometry.same_image(self.table, first, second) & (first != second)
        return PairScores(visual, feasibility, np.where(two_animals, np.float32(0.0), fused))

    def evidence(self, first: IntArray, second: IntArray) -> PairEvidence:
        """The evidence of pairs of rows, (m,), to fit a calibration to."""
        visual = pair_similarity(self.embeddings, first, second).astype(np.float64)
        return self.scoring().evidence(visual, first, second)

    def scoring(self, fusion: Fusion = Fusion.PRODUCT) -> Scoring:
        """The scoring of pairs of rows. Raises PreconditionError for CALIBRATED without a calibration."""
        return Scoring(self.table, self.extent, self.params, fusion, self.calibration, self.local)

    def _of_rows(self, rows: IntArray, embeddings: npt.NDArray[np.floating], order: IntArray) -> Gallery:
        local = None if self.local is None else self.local.at(rows, len(self))
        return replace(self, embeddings=embeddings, table=self.table.at(rows), order=order, local=local)
