"""The scores of one survey: candidates, pairs, matrices."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from spotted import messages
from spotted.arrays import Float32Array, FloatArray
from spotted.client.connection import Endpoint
from spotted.client.matrices import read_matrix
from spotted.client.survey_messages import (
    candidates,
    filter_message,
    pair_explanation,
    pair_messages,
    score_spec,
    spec_message,
)
from spotted.client.values.candidates import CandidateFilter, Candidates, PairExplanation
from spotted.client.values.surveys import EmbeddingSpec, ScoreSpec
from spotted.ranking.defaults import TOP_K
from spotted.scoring.fusion import Fusion
from spotted.survey import Detection
from spotted.v1 import scorer_pb2, survey_pb2
from spotted.v1.scorer_pb2_grpc import ScorerServiceStub


class SurveyScores:
    """The part of `SurveyHandle` that reads scores."""

    survey_id: str
    _scorer: Endpoint[ScorerServiceStub]

    def score_spec(self, fusion: Fusion = Fusion.PRODUCT) -> ScoreSpec:
        """The spec of the survey's scores; its `fallback` says why another fusion than asked for is used."""
        request = scorer_pb2.GetSurveyRequest(survey_id=self.survey_id, fusion=_fusion(fusion))
        return score_spec(self._scorer.call(self._scorer.stub.GetSurvey, request).score_spec)

    def candidates(
        self,
        *,
        detection_ids: Sequence[str] = (),
        top_k: int = TOP_K,
        fusion: Fusion = Fusion.PRODUCT,
        only: CandidateFilter | None = None,
        group_by_individual: bool = False,
    ) -> Iterator[Candidates]:
        """The best candidates of detections, in the order asked, as they are computed.

        detection_ids: empty for all detections. top_k: candidates of each. only: which detections may be
        candidates. group_by_individual: each known individual once, by its best detection.
        Raises NotFoundError, InvalidInputError.
        """
        request = scorer_pb2.GetCandidatesRequest(
            survey_id=self.survey_id,
            detection_ids=detection_ids,
            top_k=top_k,
            fusion=_fusion(fusion),
            filter=filter_message(only),
            group_by_individual=group_by_individual,
        )
        for response in self._scorer.stream(self._scorer.stub.GetCandidates, request):
            yield from (candidates(one, response.score_spec.fallback) for one in response.lists)

    def query_candidates(
        self,
        detection: Detection,
        embedding: npt.NDArray[np.floating],
        spec: EmbeddingSpec,
        *,
        top_k: int = TOP_K,
        fusion: Fusion = Fusion.PRODUCT,
        only: CandidateFilter | None = None,
        group_by_individual: bool = False,
    ) -> Candidates:
        """The best candidates of a detection that is not stored, by its base embedding (D,).

        Other arguments as in `candidates`. Raises NotFoundError, DigestMismatchError.
        """
        request = scorer_pb2.QueryCandidatesRequest(
            survey_id=self.survey_id,
            detection=messages.detection_message(detection),
            embedding=messages.tensor(embedding),
            spec=spec_message(spec),
            top_k=top_k,
            fusion=_fusion(fusion),
            filter=filter_message(only),
            group_by_individual=group_by_individual,
        )
        answer = self._scorer.call(self._scorer.stub.QueryCandidates, request)
        return candidates(answer.list, answer.score_spec.fallback)

    def score_pairs(self, pairs: Iterable[tuple[str, str]], fusion: Fusion = Fusion.PRODUCT) -> Float32Array:
        """Visual similarity, feasibility (NaN if unknown) and fused score of pairs, (n, 3).

        `score_spec(fusion).fallback` says whether another fusion is used than the one asked for.
        """
        request = scorer_pb2.ScorePairsRequest(
            survey_id=self.survey_id, pairs=pair_messages(pairs), fusion=_fusion(fusion)
        )
        scores = self._scorer.call(self._scorer.stub.ScorePairs, request)
        columns = (scores.visual, scores.feasibility, scores.fused)
        return np.stack([messages.vector(c) for c in columns], axis=1)

    def explain_pair(self, first_id: str, second_id: str, fusion: Fusion = Fusion.PRODUCT) -> PairExplanation:
        """Everything known about one pair. Raises NotFoundError."""
        (pair,) = pair_messages([(first_id, second_id)])
        request = scorer_pb2.ExplainPairRequest(survey_id=self.survey_id, pair=pair, fusion=_fusion(fusion))
        return pair_explanation(self._scorer.call(self._scorer.stub.ExplainPair, request))

    def score_matrix(
        self,
        *,
        rows: Sequence[str] = (),
        columns: Sequence[str] = (),
        fusion: Fusion = Fusion.PRODUCT,
        half: bool = False,
        file: Path | None = None,
    ) -> FloatArray:
        """The scores of detections against detections, (rows, columns), checked block by block.

        rows, columns: detection ids; empty for all, in the order they were added.
        half: float16 instead of float32. file: a .npy file to write, mapped instead of held in memory.
        `score_spec(fusion).fallback` says whether another fusion is used than the one asked for.
        A broken stream is resumed. Raises ConcurrencyError if the survey changes meanwhile.
        """
        request = scorer_pb2.GetScoreMatrixRequest(
            survey_id=self.survey_id,
            row_detection_ids=rows,
            column_detection_ids=columns,
            fusion=_fusion(fusion),
            element_type=survey_pb2.ELEMENT_TYPE_FLOAT16 if half else survey_pb2.ELEMENT_TYPE_FLOAT32,
        )
        return read_matrix(self._scorer, request, file)


def _fusion(fusion: Fusion) -> survey_pb2.Fusion.ValueType:
    return survey_pb2.Fusion.ValueType(fusion)
