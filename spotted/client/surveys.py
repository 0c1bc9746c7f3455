"""Calls to the scorer."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import numpy as np
import numpy.typing as npt

from spotted import messages
from spotted.arrays import Float32Array
from spotted.client.connection import LONG_TIMEOUT_S, Connection, request_id
from spotted.scoring.feasibility import FeasibilityParams
from spotted.survey import Camera, Detection, Survey
from spotted.v1 import scorer_pb2, survey_pb2

# 1,000 vectors of 2,152 elements would pass gRPC's 4 MiB; 100 in float32 stay under 1 MiB
BLOCK_DETECTIONS = 100
FIRST_FEASIBILITY = FeasibilityParams()


class ScorerCalls(Connection):
    """Surveys to scores."""

    def create_survey(
        self, survey: Survey, *, feasibility: FeasibilityParams = FIRST_FEASIBILITY
    ) -> survey_pb2.Survey:
        """Create a survey and its cameras; both may be there already with equal content."""
        request = scorer_pb2.CreateSurveyRequest(
            survey=survey_pb2.Survey(
                survey_id=survey.survey_id,
                display_name=survey.display_name,
                start_time=messages.timestamp(survey.start_s),
                end_time=messages.timestamp(survey.end_s),
                feasibility=messages.feasibility_message(feasibility),
            ),
            request_id=request_id(),
        )
        with self._errors("scorer"):
            created = self.scorer.CreateSurvey(request, timeout=self._timeout_s).survey
        if survey.cameras:
            created = self.upsert_cameras(survey.survey_id, survey.cameras.values())
        return created

    def update_extent(self, survey: Survey) -> survey_pb2.Survey:
        """Declare another start and end, and add or replace the cameras; every score may change."""
        request = scorer_pb2.UpdateSurveyRequest(
            survey=survey_pb2.Survey(
                survey_id=survey.survey_id,
                start_time=messages.timestamp(survey.start_s),
                end_time=messages.timestamp(survey.end_s),
            ),
            request_id=request_id(),
        )
        request.update_mask.paths.extend(["start_time", "end_time"])
        with self._errors("scorer"):
            changed = self.scorer.UpdateSurvey(request, timeout=self._timeout_s).survey
        if survey.cameras:
            changed = self.upsert_cameras(survey.survey_id, survey.cameras.values())
        return changed

    def survey(self, survey_id: str) -> survey_pb2.Survey:
        """A survey as it stands."""
        request = scorer_pb2.GetSurveyRequest(survey_id=survey_id)
        with self._errors("scorer"):
            return self.scorer.GetSurvey(request, timeout=self._timeout_s).survey

    def score_spec(
        self, survey_id: str, fusion: survey_pb2.Fusion.ValueType = survey_pb2.FUSION_PRODUCT
    ) -> survey_pb2.ScoreSpec:
        """What a survey's scores are made from; `fallback` says why another fusion than asked for is used."""
        request = scorer_pb2.GetSurveyRequest(survey_id=survey_id, fusion=fusion)
        with self._errors("scorer"):
            return self.scorer.GetSurvey(request, timeout=self._timeout_s).score_spec

    def surveys(self) -> Iterator[survey_pb2.Survey]:
        """All surveys, by id."""
        for page in self._pages(self.scorer.ListSurveys, scorer_pb2.ListSurveysRequest(), "scorer"):
            yield from page.surveys

    def delete_survey(self, survey_id: str) -> None:
        """Delete a survey with all it holds."""
        request = scorer_pb2.DeleteSurveyRequest(survey_id=survey_id, request_id=request_id())
        with self._errors("scorer"):
            self.scorer.DeleteSurvey(request, timeout=self._timeout_s)

    def upsert_cameras(self, survey_id: str, cameras: Iterable[Camera]) -> survey_pb2.Survey:
        """Add cameras, or replace those of equal id."""
        request = scorer_pb2.UpsertCamerasRequest(
            survey_id=survey_id,
            cameras=[messages.camera_message(camera) for camera in cameras],
            request_id=request_id(),
        )
        with self._errors("scorer"):
            return self.scorer.UpsertCameras(request, timeout=self._timeout_s).survey

    def cameras(self, survey_id: str) -> Iterator[Camera]:
        """The cameras of a survey, by id."""
        request = scorer_pb2.ListCamerasRequest(survey_id=survey_id)
        for page in self._pages(self.scorer.ListCameras, request, "scorer"):
            yield from (messages.camera(camera) for camera in page.cameras)

    def add_detections(
        self,
        survey_id: str,
        detections: Sequence[Detection],
        embeddings: npt.NDArray[np.floating],
        spec: survey_pb2.EmbeddingSpec,
    ) -> scorer_pb2.AddDetectionsResponse:
        """Store detections with their vectors (n, D); what is refused is listed with its reason."""
        blocks = (
            scorer_pb2.AddDetectionsRequest(
                survey_id=survey_id,
                spec=spec,
                detections=[messages.detection_message(d) for d in detections[i : i + BLOCK_DETECTIONS]],
                embeddings=messages.tensor(embeddings[i : i + BLOCK_DETECTIONS]),
            )
            for i in range(0, len(detections), BLOCK_DETECTIONS)
        )
        with self._errors("scorer"):
            return self.scorer.AddDetections(blocks, timeout=LONG_TIMEOUT_S)

    def detections(self, survey_id: str) -> Iterator[Detection]:
        """The detections of a survey, in the order they were added."""
        for page in self._detection_pages(survey_id, include_embeddings=False):
            yield from (messages.detection(d) for d in page.detections)

    def detections_with_embeddings(
        self, survey_id: str, *, base: bool = False
    ) -> tuple[list[Detection], Float32Array]:
        """The detections of a survey and the vectors that are scored, or base ones, (n, D) float32."""
        detections: list[Detection] = []
        blocks: list[Float32Array] = []
        for page in self._detection_pages(survey_id, include_embeddings=True, base=base):
            detections += [messages.detection(d) for d in page.detections]
            if page.detections:
                blocks.append(messages.vector(page.embeddings))
        return detections, np.concatenate(blocks) if blocks else np.empty((0, 0), np.float32)

    def candidates(
        self,
        survey_id: str,
        *,
        detection_ids: Sequence[str] = (),
        top_k: int = 20,
        fusion: survey_pb2.Fusion.ValueType = survey_pb2.FUSION_PRODUCT,
        only: scorer_pb2.CandidateFilter | None = None,
        group_by_individual: bool = False,
    ) -> Iterator[scorer_pb2.CandidateList]:
        """The best candidates of the detections named, or of all, best first.

        group_by_individual: each known individual comes once, by the best of its detections.
        """
        request = scorer_pb2.GetCandidatesRequest(
            survey_id=survey_id,
            detection_ids=detection_ids,
            top_k=top_k,
            fusion=fusion,
            filter=only,
            group_by_individual=group_by_individual,
        )
        for answer in self._stream(self.scorer.GetCandidates, request, "scorer"):
            yield from answer.lists

    def fit_calibration(
        self,
        survey_id: str,
        labels: Iterable[tuple[str, str, bool]] = (),
        *,
        use_known_individuals: bool = False,
    ) -> scorer_pb2.FitCalibrationResponse:
        """Learn from labelled pairs how probable it is that a pair shows one animal.

        labels: two detection ids, and whether both show one animal.
        use_known_individuals: also take the detections' individual_id for true.
        With too little to learn from nothing changes, and the answer's `reason` says why.
        """
        request = scorer_pb2.FitCalibrationRequest(
            survey_id=survey_id,
            labels=[
                scorer_pb2.LabelledPair(
                    pair=survey_pb2.Pair(first_detection_id=a, second_detection_id=b), same=same
                )
                for a, b, same in labels
            ],
            use_known_individuals=use_known_individuals,
            request_id=request_id(),
        )
        with self._errors("scorer"):
            return self.scorer.FitCalibration(request, timeout=LONG_TIMEOUT_S)

    def activate_calibration(self, survey_id: str, digest: str) -> survey_pb2.Survey:
        """Go back to an earlier calibration, "" for none."""
        request = scorer_pb2.ActivateCalibrationRequest(
            survey_id=survey_id, calibration_digest=digest, request_id=request_id()
        )
        with self._errors("scorer"):
            return self.scorer.ActivateCalibration(request, timeout=self._timeout_s).survey

    def score_pairs(self, survey_id: str, pairs: Iterable[tuple[str, str]]) -> Float32Array:
        """Visual similarity, feasibility (NaN where unknown) and fused score of pairs, (n, 3)."""
        request = scorer_pb2.ScorePairsRequest(
            survey_id=survey_id,
            pairs=[survey_pb2.Pair(first_detection_id=a, second_detection_id=b) for a, b in pairs],
        )
        with self._errors("scorer"):
            answer = self.scorer.ScorePairs(request, timeout=self._timeout_s)
        columns = (answer.visual, answer.feasibility, answer.fused)
        return np.stack([messages.vector(c) for c in columns], axis=1)

    def _detection_pages(
        self, survey_id: str, *, include_embeddings: bool, base: bool = False
    ) -> Iterator[scorer_pb2.ListDetectionsResponse]:
        request = scorer_pb2.ListDetectionsRequest(
            survey_id=survey_id, include_embeddings=include_embeddings, base_embeddings=base
        )
        return self._pages(self.scorer.ListDetections, request, "scorer")
