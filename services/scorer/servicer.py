"""The scorer's rpcs: decode, call, encode."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from services.common.access import caller, load
from services.common.rpc import checks
from services.common.rpc.turns import Turns
from services.common.store import keys
from services.scorer import correction_requests, requests, responses
from services.scorer.calibration_fit import KnownAnswers, fit
from services.scorer.calibrations import CalibrationStore
from services.scorer.camera_deletion import delete_cameras
from services.scorer.candidates import (
    CandidateQuery,
    explain,
    list_candidates,
    query_candidates,
    rank_candidates,
)
from services.scorer.catalogue.changes import CatalogueChanges
from services.scorer.corrections import detection_changes, update_detections
from services.scorer.detections import AddResult, add_block, delete_detections, response
from services.scorer.local.additions import add_local_features
from services.scorer.local.matchings import Matchings
from services.scorer.local.requests import feature_block, matching_query
from services.scorer.local.score_responses import local_score_responses
from services.scorer.matrices import compute_blocks, kept_bytes
from services.scorer.scored_surveys import ScoredSurveys
from services.scorer.surveys import Surveys
from spotted import messages
from spotted.errors import InvalidInputError
from spotted.scoring.fusion import Fusion
from spotted.v1 import corrections_pb2, local_features_pb2, scorer_pb2_grpc
from spotted.v1 import scorer_pb2 as pb


class ScorerServicer(scorer_pb2_grpc.ScorerServiceServicer):
    """spotted.v1.ScorerService."""

    def __init__(
        self,
        surveys: Surveys,
        scored: ScoredSurveys,
        calibrations: CalibrationStore,
        catalogue: CatalogueChanges,
        turns: Turns,
        matchings: Matchings,
    ) -> None:
        self._surveys = surveys
        self._scored = scored
        self._calibrations = calibrations
        self._catalogue = catalogue
        self._turns = turns
        self._matchings = matchings

    async def CreateSurvey(self, request: pb.CreateSurveyRequest, _: object) -> pb.CreateSurveyResponse:
        """Create a survey."""
        survey = requests.new_survey(request)
        created = await asyncio.to_thread(
            self._surveys.create, survey, request.request_id, most=caller.current_caller().quota.surveys
        )
        return pb.CreateSurveyResponse(survey=created)

    async def GetSurvey(self, request: pb.GetSurveyRequest, _: object) -> pb.GetSurveyResponse:
        """Read a survey."""
        fusion = requests.fusion(request.fusion)
        scored = await asyncio.to_thread(self._scored.get, request.survey_id)
        return pb.GetSurveyResponse(survey=scored.snapshot.survey, score_spec=scored.spec(fusion))

    async def ListSurveys(self, request: pb.ListSurveysRequest, _: object) -> pb.ListSurveysResponse:
        """List surveys."""
        ids = await asyncio.to_thread(self._surveys.visible_ids, caller.current_caller())
        size = checks.page_size(request.page_size, default=100, largest=500)
        page, token = checks.page(ids, size, request.page_token, "surveys")
        surveys = await asyncio.to_thread(self._surveys.existing, page)
        return pb.ListSurveysResponse(surveys=surveys, next_page_token=token)

    async def UpdateSurvey(self, request: pb.UpdateSurveyRequest, _: object) -> pb.UpdateSurveyResponse:
        """Change a survey's own fields."""
        survey, paths = requests.changed_survey(request)
        changed = await asyncio.to_thread(self._surveys.update, survey, paths, request.request_id)
        return pb.UpdateSurveyResponse(survey=changed)

    async def DeleteSurvey(self, request: pb.DeleteSurveyRequest, _: object) -> pb.DeleteSurveyResponse:
        """Delete a survey."""
        await asyncio.to_thread(self._surveys.delete, request.survey_id, request.request_id)
        await asyncio.to_thread(self._catalogue.forget, request.survey_id)
        return pb.DeleteSurveyResponse()

    async def UpsertCameras(self, request: pb.UpsertCamerasRequest, _: object) -> pb.UpsertCamerasResponse:
        """Add or replace cameras."""
        cameras = requests.cameras(request)
        survey = await asyncio.to_thread(
            self._surveys.upsert_cameras, request.survey_id, cameras, request.request_id
        )
        return pb.UpsertCamerasResponse(survey=survey)

    async def ListCameras(self, request: pb.ListCamerasRequest, _: object) -> pb.ListCamerasResponse:
        """List cameras."""
        snapshot = await asyncio.to_thread(self._surveys.snapshot, request.survey_id)
        size = checks.page_size(request.page_size, default=1000, largest=10_000)
        ordered = [snapshot.cameras[i] for i in sorted(snapshot.cameras)]
        arguments = request.page_token, "cameras", request.survey_id
        cameras, token = checks.message_page(ordered, messages.camera_message, size, *arguments)
        return pb.ListCamerasResponse(cameras=cameras, next_page_token=token)

    async def DeleteCameras(
        self, request: corrections_pb2.DeleteCamerasRequest, _: object
    ) -> corrections_pb2.DeleteCamerasResponse:
        """Remove cameras."""
        ids = requests.ids(request.camera_ids, "camera_ids")
        return await asyncio.to_thread(
            delete_cameras, self._surveys, request.survey_id, ids, request.request_id
        )

    async def AddDetections(
        self, request_iterator: AsyncIterator[pb.AddDetectionsRequest], _: object
    ) -> pb.AddDetectionsResponse:
        """Add detections; each message is on disk before the next is read."""
        total, survey_id = AddResult(), ""
        async for request in request_iterator:
            block = requests.block(request, survey_id)
            survey_id = block.survey_id
            await asyncio.to_thread(
                add_block, self._surveys, block, total, most=caller.current_caller().quota.detections
            )
        if not survey_id:
            raise InvalidInputError("the stream has no message; send at least one", field="survey_id")
        survey = await asyncio.to_thread(self._surveys.described, survey_id)
        return response(total, survey)

    async def ListDetections(self, request: pb.ListDetectionsRequest, _: object) -> pb.ListDetectionsResponse:
        """List detections, with their vectors if requested."""
        scored = await asyncio.to_thread(self._scored.get, request.survey_id)
        return await asyncio.to_thread(responses.detections_response, request, scored)

    async def UpdateDetections(
        self, request: corrections_pb2.UpdateDetectionsRequest, _: object
    ) -> corrections_pb2.UpdateDetectionsResponse:
        """Correct detections."""
        block = correction_requests.corrections(request)
        answer = await asyncio.to_thread(update_detections, self._surveys, block, request.request_id)
        if request.HasField("embeddings"):
            ids = [detection.detection_id for detection in request.detections]
            await asyncio.to_thread(self._catalogue.forget, request.survey_id, ids)
        return answer

    async def ListDetectionChanges(
        self, request: corrections_pb2.ListDetectionChangesRequest, _: object
    ) -> corrections_pb2.ListDetectionChangesResponse:
        """List the detections that were deleted, added again or corrected."""
        changes, survey = await asyncio.to_thread(
            detection_changes, self._surveys, request.survey_id, request.since_revision
        )
        return responses.changes_response(request, changes, survey)

    async def DeleteDetections(
        self, request: pb.DeleteDetectionsRequest, _: object
    ) -> pb.DeleteDetectionsResponse:
        """Remove detections."""
        ids = requests.ids(request.detection_ids, "detection_ids")
        about = request.survey_id, ids
        answer = await asyncio.to_thread(delete_detections, self._surveys, *about, request.request_id)
        await asyncio.to_thread(self._catalogue.forget, *about)
        return answer

    async def AddLocalFeatures(
        self, request: local_features_pb2.AddLocalFeaturesRequest, _: object
    ) -> local_features_pb2.AddLocalFeaturesResponse:
        """Store local features of detections."""
        block = await asyncio.to_thread(feature_block, request)
        return await asyncio.to_thread(add_local_features, self._surveys, block, request.request_id)

    async def MatchLocalFeatures(
        self, request: local_features_pb2.MatchLocalFeaturesRequest, _: object
    ) -> local_features_pb2.MatchLocalFeaturesResponse:
        """Begin to match local features."""
        query = matching_query(request)
        operation = await asyncio.to_thread(self._matchings.begin, query, request.request_id)
        return local_features_pb2.MatchLocalFeaturesResponse(operation=operation)

    async def GetLocalScores(
        self, request: local_features_pb2.GetLocalScoresRequest, _: object
    ) -> AsyncIterator[local_features_pb2.GetLocalScoresResponse]:
        """Stream the local scores of a survey."""
        scored = await asyncio.to_thread(self._scored.get, request.survey_id)
        async for answer in self._turns.drawn(local_score_responses(scored), request.survey_id):
            yield answer

    async def ActivateHead(self, request: pb.ActivateHeadRequest, _: object) -> pb.ActivateHeadResponse:
        """Score through a head."""
        survey = await asyncio.to_thread(
            self._surveys.activate_head, request.survey_id, request.head_digest, request.request_id
        )
        snapshot = await asyncio.to_thread(self._surveys.snapshot, request.survey_id)
        return pb.ActivateHeadResponse(survey=survey, score_spec=snapshot.score_spec())

    async def FitCalibration(self, request: pb.FitCalibrationRequest, _: object) -> pb.FitCalibrationResponse:
        """Fit a calibration to labels."""
        known = requests.known_answers(request)
        return await asyncio.to_thread(self._fit, request.survey_id, known, request.request_id)

    async def ActivateCalibration(
        self, request: pb.ActivateCalibrationRequest, _: object
    ) -> pb.ActivateCalibrationResponse:
        """Switch to another calibration, or to none."""
        if request.calibration_digest:
            organisation = keys.owner(request.survey_id)
            await asyncio.to_thread(self._calibrations.get, request.calibration_digest, organisation)
        survey = await asyncio.to_thread(
            self._surveys.activate_calibration,
            request.survey_id,
            request.calibration_digest,
            request.request_id,
        )
        scored = await asyncio.to_thread(self._scored.get, request.survey_id)
        return pb.ActivateCalibrationResponse(survey=survey, score_spec=scored.spec(Fusion.CALIBRATED))

    async def GetCandidates(
        self, request: pb.GetCandidatesRequest, _: object
    ) -> AsyncIterator[pb.GetCandidatesResponse]:
        """Stream the best candidates of stored detections."""
        query = requests.candidate_query(request)
        scored = await asyncio.to_thread(self._scored.get, request.survey_id)
        arguments = scored, request.detection_ids, query
        if request.as_columns:
            answers = responses.column_responses(rank_candidates(*arguments), scored, query.fusion)
        else:
            answers = responses.list_responses(list_candidates(*arguments), scored, query.fusion)
        async for answer in self._turns.drawn(answers, request.survey_id):
            yield answer

    async def QueryCandidates(
        self, request: pb.QueryCandidatesRequest, _: object
    ) -> pb.QueryCandidatesResponse:
        """Find the best candidates of a detection that is not stored."""
        query = requests.candidate_query(request)
        return await asyncio.to_thread(self._query, request, query)

    async def ScorePairs(self, request: pb.ScorePairsRequest, _: object) -> pb.ScorePairsResponse:
        """Score given pairs."""
        fusion = requests.fusion(request.fusion)
        scored = await asyncio.to_thread(self._scored.get, request.survey_id)
        first, second = requests.pair_rows(request, scored)
        scores = await asyncio.to_thread(scored.gallery.score_pairs, first, second, scored.fusion(fusion))
        return responses.pair_scores(scores, scored.spec(fusion))

    async def GetScoreMatrix(
        self, request: pb.GetScoreMatrixRequest, _: object
    ) -> AsyncIterator[pb.GetScoreMatrixResponse]:
        """Stream a matrix of scores."""
        matrix = requests.matrix(request)
        scored = await asyncio.to_thread(self._scored.get, request.survey_id)
        load.keep(kept_bytes(scored, matrix))
        async for block in self._turns.drawn(compute_blocks(scored, matrix), request.survey_id):
            yield block

    async def ExplainPair(self, request: pb.ExplainPairRequest, _: object) -> pb.ExplainPairResponse:
        """Explain one pair."""
        fusion = requests.fusion(request.fusion)
        scored = await asyncio.to_thread(self._scored.get, request.survey_id)
        ids = request.pair.first_detection_id, request.pair.second_detection_id
        explanation = await asyncio.to_thread(explain, scored, *ids, scored.fusion(fusion))
        points = await asyncio.to_thread(self._matchings.matched_points, scored, *ids)
        return responses.explanation(explanation, scored.spec(fusion), points)

    def _query(self, request: pb.QueryCandidatesRequest, query: CandidateQuery) -> pb.QueryCandidatesResponse:
        scored = self._scored.get(request.survey_id)
        detection, base = requests.query(request, scored)
        candidates = query_candidates(scored, detection, self._scored.adapt(scored, base), query)
        return pb.QueryCandidatesResponse(
            list=responses.candidate_list(candidates), score_spec=scored.spec(query.fusion)
        )

    def _fit(self, survey_id: str, known: KnownAnswers, request_id: str) -> pb.FitCalibrationResponse:
        first = self._surveys.answered_fit(survey_id, request_id)
        if first is not None:
            return first
        scored = self._scored.get(survey_id)
        calibration, shortage = fit(scored, known)
        if shortage and scored.fusion(Fusion.CALIBRATED) is Fusion.CALIBRATED:
            kept = f"{shortage}; the survey keeps its calibration"
            answer = pb.FitCalibrationResponse(reason=kept, score_spec=scored.spec(Fusion.CALIBRATED))
        else:
            spec = scored.snapshot.score_spec(Fusion.CALIBRATED)
            features = scored.snapshot.survey.local_features.digest
            self._calibrations.put(calibration, spec, keys.owner(survey_id), local_features_digest=features)
            answer = responses.fitted(calibration, shortage, spec)
        return self._surveys.take_fit(survey_id, answer, request_id)
