"""The scorer's rpcs: decode, call, encode."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from services.common.access import caller
from services.common.rpc import checks
from services.common.server import in_thread
from services.common.store import keys
from services.scorer import requests, responses
from services.scorer.calibration_fit import Labelled, fit
from services.scorer.calibrations import CalibrationStore
from services.scorer.candidates import candidate_lists, explain, query_candidates, ranked_candidates
from services.scorer.detections import AddResult, add_block, delete_detections, response
from services.scorer.matrices import matrix_blocks
from services.scorer.scored_surveys import Galleries
from services.scorer.surveys import Surveys
from spotted import messages
from spotted.errors import InvalidInputError
from spotted.scoring.fusion import Fusion
from spotted.v1 import scorer_pb2 as pb
from spotted.v1 import scorer_pb2_grpc

FIT = "FitCalibration"


class ScorerServicer(scorer_pb2_grpc.ScorerServiceServicer):
    """spotted.v1.ScorerService."""

    def __init__(self, surveys: Surveys, galleries: Galleries, calibrations: CalibrationStore) -> None:
        self._surveys = surveys
        self._galleries = galleries
        self._calibrations = calibrations

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
        scored = await asyncio.to_thread(self._galleries.scored, request.survey_id)
        return pb.GetSurveyResponse(survey=scored.snapshot.survey, score_spec=scored.spec(fusion))

    async def ListSurveys(self, request: pb.ListSurveysRequest, _: object) -> pb.ListSurveysResponse:
        """List surveys."""
        ids = await asyncio.to_thread(self._surveys.visible_ids, caller.current_caller())
        size = checks.page_size(request.page_size, default=100, largest=1000)
        page, token = checks.page(ids, size, request.page_token, "surveys")
        found = await asyncio.to_thread(self._surveys.existing, page)
        return pb.ListSurveysResponse(surveys=found, next_page_token=token)

    async def UpdateSurvey(self, request: pb.UpdateSurveyRequest, _: object) -> pb.UpdateSurveyResponse:
        """Change a survey's own fields."""
        survey, paths = requests.changed_survey(request)
        changed = await asyncio.to_thread(self._surveys.update, survey, paths, request.request_id)
        return pb.UpdateSurveyResponse(survey=changed)

    async def DeleteSurvey(self, request: pb.DeleteSurveyRequest, _: object) -> pb.DeleteSurveyResponse:
        """Delete a survey."""
        await asyncio.to_thread(self._surveys.delete, request.survey_id, request.request_id)
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
        ordered = sorted(snapshot.cameras)
        page, token = checks.page(ordered, size, request.page_token, "cameras", request.survey_id)
        cameras = [messages.camera_message(snapshot.cameras[i]) for i in page]
        return pb.ListCamerasResponse(cameras=cameras, next_page_token=token)

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
            raise InvalidInputError("the stream brought no message; send at least one", field="survey_id")
        survey = await asyncio.to_thread(self._surveys.described, survey_id)
        return response(total, survey)

    async def ListDetections(self, request: pb.ListDetectionsRequest, _: object) -> pb.ListDetectionsResponse:
        """List detections, with the vectors that are scored where asked for."""
        scored = await asyncio.to_thread(self._galleries.scored, request.survey_id)
        return await asyncio.to_thread(responses.detections_response, request, scored)

    async def DeleteDetections(
        self, request: pb.DeleteDetectionsRequest, _: object
    ) -> pb.DeleteDetectionsResponse:
        """Remove detections."""
        ids = requests.ids(request.detection_ids, "detection_ids")
        return await asyncio.to_thread(
            delete_detections, self._surveys, request.survey_id, ids, request.request_id
        )

    async def ActivateHead(self, request: pb.ActivateHeadRequest, _: object) -> pb.ActivateHeadResponse:
        """Score through a head."""
        survey = await asyncio.to_thread(
            self._surveys.activate_head, request.survey_id, request.head_digest, request.request_id
        )
        snapshot = await asyncio.to_thread(self._surveys.snapshot, request.survey_id)
        return pb.ActivateHeadResponse(survey=survey, score_spec=snapshot.score_spec())

    async def FitCalibration(self, request: pb.FitCalibrationRequest, _: object) -> pb.FitCalibrationResponse:
        """Learn how probable a pair is."""
        labelled = requests.labelled(request)
        return await asyncio.to_thread(self._fit, request.survey_id, labelled, request.request_id)

    async def ActivateCalibration(
        self, request: pb.ActivateCalibrationRequest, _: object
    ) -> pb.ActivateCalibrationResponse:
        """Go back to another calibration, or to none."""
        if request.calibration_digest:
            organisation = keys.owner(request.survey_id)
            await asyncio.to_thread(self._calibrations.get, request.calibration_digest, organisation)
        survey = await asyncio.to_thread(
            self._surveys.activate_calibration,
            request.survey_id,
            request.calibration_digest,
            request.request_id,
        )
        scored = await asyncio.to_thread(self._galleries.scored, request.survey_id)
        return pb.ActivateCalibrationResponse(survey=survey, score_spec=scored.spec(Fusion.CALIBRATED))

    async def GetCandidates(
        self, request: pb.GetCandidatesRequest, _: object
    ) -> AsyncIterator[pb.GetCandidatesResponse]:
        """Stream the best candidates of stored detections."""
        wanted = requests.wanted(request)
        scored = await asyncio.to_thread(self._galleries.scored, request.survey_id)
        asked = scored, request.detection_ids, wanted
        if request.as_columns:
            found = responses.column_responses(ranked_candidates(*asked), scored, wanted.fusion)
        else:
            found = responses.list_responses(candidate_lists(*asked), scored, wanted.fusion)
        async for answer in in_thread(found):
            yield answer

    async def QueryCandidates(
        self, request: pb.QueryCandidatesRequest, _: object
    ) -> pb.QueryCandidatesResponse:
        """Find the best candidates of a detection that is not stored."""
        wanted = requests.wanted(request)
        scored = await asyncio.to_thread(self._galleries.scored, request.survey_id)
        detection, base = requests.query(request, scored)
        vector = await asyncio.to_thread(self._galleries.adapted, scored, base)
        found = await asyncio.to_thread(query_candidates, scored, detection, vector, wanted)
        return pb.QueryCandidatesResponse(
            list=responses.candidate_list(found), score_spec=scored.spec(wanted.fusion)
        )

    async def ScorePairs(self, request: pb.ScorePairsRequest, _: object) -> pb.ScorePairsResponse:
        """Score given pairs."""
        fusion = requests.fusion(request.fusion)
        scored = await asyncio.to_thread(self._galleries.scored, request.survey_id)
        first, second = requests.pair_rows(request, scored)
        scores = await asyncio.to_thread(scored.gallery.score_pairs, first, second, scored.fusion(fusion))
        return responses.pair_scores(scores, scored.spec(fusion))

    async def GetScoreMatrix(
        self, request: pb.GetScoreMatrixRequest, _: object
    ) -> AsyncIterator[pb.GetScoreMatrixResponse]:
        """Stream a matrix of scores."""
        asked = requests.matrix(request)
        scored = await asyncio.to_thread(self._galleries.scored, request.survey_id)
        async for block in in_thread(matrix_blocks(scored, asked)):
            yield block

    async def ExplainPair(self, request: pb.ExplainPairRequest, _: object) -> pb.ExplainPairResponse:
        """Explain one pair."""
        fusion = requests.fusion(request.fusion)
        scored = await asyncio.to_thread(self._galleries.scored, request.survey_id)
        ids = request.pair.first_detection_id, request.pair.second_detection_id
        found = await asyncio.to_thread(explain, scored, *ids, scored.fusion(fusion))
        return responses.explanation(found, scored.spec(fusion))

    def _fit(self, survey_id: str, labelled: Labelled, request_id: str) -> pb.FitCalibrationResponse:
        survey = self._surveys.answered(survey_id, FIT, request_id)
        if survey is None:
            scored = self._galleries.scored(survey_id)
            fitted = fit(scored, labelled)
            if isinstance(fitted, str):
                spec = scored.spec(Fusion.CALIBRATED)
                return pb.FitCalibrationResponse(
                    survey=scored.snapshot.survey, reason=fitted, score_spec=spec
                )
            spec = scored.snapshot.score_spec(Fusion.CALIBRATED)
            self._calibrations.put(fitted, spec, keys.owner(survey_id))
            survey = self._surveys.activate_calibration(survey_id, fitted.digest, request_id, scope=FIT)
        kept = self._calibrations.get(survey.calibration_digest, keys.owner(survey_id))
        return responses.fitted(survey, *kept)
