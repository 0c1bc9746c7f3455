"""A scorer in memory: real scores, without filters, heads, calibrations or a store."""

from __future__ import annotations

import math
import zlib
from collections.abc import Iterator

import numpy as np

from spotted import messages
from spotted.arrays import FloatArray
from spotted.errors import AlreadyExistsError, DigestMismatchError, NotFoundError
from spotted.ranking.ranker import Ranker
from spotted.scoring import geometry
from spotted.scoring.feasibility import needed_speed_kmh
from spotted.scoring.fusion import Fusion
from spotted.scoring.local_pairs import LOW_BITS, ROW_BITS, LocalPairs
from spotted.scoring.similarity import unit_rows
from spotted.survey import Detection, shared_station
from spotted.testing.fake_corrections import correct
from spotted.testing.fake_local_features import add_features, drop_outdated
from spotted.testing.fake_matching import FakeMarks
from spotted.testing.fake_operations import FakeOperations
from spotted.testing.fake_survey import StoredSurvey
from spotted.testing.server import Replies
from spotted.v1 import corrections_pb2, local_features_pb2, survey_pb2
from spotted.v1 import scorer_pb2 as pb


class FakeScorer:
    """Surveys in memory, scored by the library; a service's answers without a service.

    >>> from spotted.client import Spotted
    >>> from spotted.survey import Survey
    >>> from spotted.testing import serve_replies
    >>> scorer = FakeScorer()
    >>> with serve_replies(scorer.replies()) as address:
    ...     with Spotted(embedder=address, scorer=address, sampler=address) as spotted:
    ...         handle = spotted.create_survey(Survey("kruger", 0.0, 86_400.0))
    >>> list(scorer.surveys)
    ['kruger']
    """

    def __init__(self) -> None:
        self.surveys: dict[str, StoredSurvey] = {}
        self._operations = FakeOperations()

    def replies(self) -> Replies:
        """The rpcs that it answers, by name."""
        return {
            "CreateSurvey": self._create,
            "GetSurvey": self._get,
            "ListSurveys": self._list,
            "DeleteSurvey": self._delete,
            "UpsertCameras": self._upsert_cameras,
            "ListCameras": self._list_cameras,
            "AddDetections": self._add_detections,
            "ListDetections": self._list_detections,
            "UpdateDetections": self._update_detections,
            "DeleteDetections": self._delete_detections,
            "AddLocalFeatures": self._add_local_features,
            "MatchLocalFeatures": self._match_local_features,
            "GetLocalScores": self._local_scores,
            "GetCandidates": self._candidates,
            "ScorePairs": self._score_pairs,
            "ExplainPair": self._explain_pair,
            "GetScoreMatrix": self._matrix,
            **self._operations.replies(),
        }

    def survey(self, survey_id: str) -> StoredSurvey:
        """A survey by its id. Raises NotFoundError."""
        if survey_id not in self.surveys:
            raise NotFoundError(f"survey {survey_id!r} does not exist; create the survey first")
        return self.surveys[survey_id]

    def _create(self, request: pb.CreateSurveyRequest) -> pb.CreateSurveyResponse:
        asked = request.survey
        stored = self.surveys.setdefault(asked.survey_id, StoredSurvey(asked))
        for name in ("display_name", "start_time", "end_time", "feasibility", "time_zone"):
            if getattr(stored.message, name) != getattr(asked, name):
                raise AlreadyExistsError(f"survey {asked.survey_id!r} exists with another {name}")
        return pb.CreateSurveyResponse(survey=stored.changed())

    def _get(self, request: pb.GetSurveyRequest) -> pb.GetSurveyResponse:
        stored = self.survey(request.survey_id)
        return pb.GetSurveyResponse(survey=stored.message, score_spec=stored.spec(request.fusion))

    def _list(self, _: pb.ListSurveysRequest) -> pb.ListSurveysResponse:
        return pb.ListSurveysResponse(surveys=[self.surveys[i].message for i in sorted(self.surveys)])

    def _delete(self, request: pb.DeleteSurveyRequest) -> pb.DeleteSurveyResponse:
        del self.surveys[self.survey(request.survey_id).message.survey_id]
        return pb.DeleteSurveyResponse()

    def _upsert_cameras(self, request: pb.UpsertCamerasRequest) -> pb.UpsertCamerasResponse:
        stored = self.survey(request.survey_id)
        stored.cameras |= {c.camera_id: messages.camera(c) for c in request.cameras}
        return pb.UpsertCamerasResponse(survey=stored.changed())

    def _list_cameras(self, request: pb.ListCamerasRequest) -> pb.ListCamerasResponse:
        cameras = self.survey(request.survey_id).cameras
        return pb.ListCamerasResponse(cameras=[messages.camera_message(cameras[i]) for i in sorted(cameras)])

    def _add_detections(self, requests: Iterator[pb.AddDetectionsRequest]) -> pb.AddDetectionsResponse:
        response = pb.AddDetectionsResponse()
        for block in requests:
            stored = self.survey(block.survey_id)
            if stored.detections and stored.message.embedding != block.spec:
                raise DigestMismatchError(f"survey {block.survey_id!r} holds vectors of another backbone")
            stored.message.embedding.CopyFrom(block.spec)
            vectors = unit_rows(messages.vector(block.embeddings)).astype(np.float16)
            for message, vector in zip(block.detections, vectors, strict=True):
                _add(stored, messages.detection(message), vector, response)
            response.survey.CopyFrom(stored.changed())
        return response

    def _list_detections(self, request: pb.ListDetectionsRequest) -> pb.ListDetectionsResponse:
        stored = self.survey(request.survey_id)
        response = pb.ListDetectionsResponse(
            detections=[messages.detection_message(d) for d in stored.detections.values()],
            revision=stored.message.revision,
            with_local_features=[i for i, d in enumerate(stored.detections) if d in stored.local_features],
        )
        if request.include_embeddings and stored.detections:
            response.embeddings.CopyFrom(messages.tensor(np.stack(list(stored.vectors.values()))))
        return response

    def _update_detections(
        self, request: corrections_pb2.UpdateDetectionsRequest
    ) -> corrections_pb2.UpdateDetectionsResponse:
        stored = self.survey(request.survey_id)
        response = correct(stored.detections, stored.vectors, request)
        drop_outdated(stored.local_features, response)
        response.survey.CopyFrom(stored.changed())
        return response

    def _delete_detections(self, request: pb.DeleteDetectionsRequest) -> pb.DeleteDetectionsResponse:
        stored = self.survey(request.survey_id)
        known = [i for i in dict.fromkeys(request.detection_ids) if stored.detections.pop(i, None)]
        for detection_id in known:
            del stored.vectors[detection_id]
            stored.local_features.pop(detection_id, None)
        missing = len(request.detection_ids) - len(known)
        return pb.DeleteDetectionsResponse(deleted=len(known), missing=missing, survey=stored.changed())

    def _add_local_features(
        self, request: local_features_pb2.AddLocalFeaturesRequest
    ) -> local_features_pb2.AddLocalFeaturesResponse:
        stored = self.survey(request.survey_id)
        if stored.message.local_features != request.spec and request.replace_spec:
            stored.marks, stored.message.local_pair_count = FakeMarks(), 0
        response = add_features(stored.detections, stored.local_features, stored.message, request)
        response.survey.CopyFrom(stored.changed())
        return response

    def _match_local_features(
        self, request: local_features_pb2.MatchLocalFeaturesRequest
    ) -> local_features_pb2.MatchLocalFeaturesResponse:
        """Match at once: the operation has ended when it is first read."""
        stored = self.survey(request.survey_id)
        method = stored.message.local_features.method
        about = stored.detections, stored.local_features
        count = stored.marks.match(stored.gallery, method, *about, request)
        stored.message.local_pair_count = len(stored.marks.scores)
        stored.changed()
        operation = self._operations.end(f"{count} pairs matched", result=str(count))
        return local_features_pb2.MatchLocalFeaturesResponse(operation=operation)

    def _local_scores(
        self, request: local_features_pb2.GetLocalScoresRequest
    ) -> Iterator[local_features_pb2.GetLocalScoresResponse]:
        stored = self.survey(request.survey_id)
        pairs = stored.marks.pairs(stored.detections, stored.local_features) or LocalPairs.none()
        yield local_features_pb2.GetLocalScoresResponse(
            first_rows=(pairs.numbers >> ROW_BITS).astype("<i4").tobytes(),
            second_rows=(pairs.numbers & LOW_BITS).astype("<i4").tobytes(),
            scores=messages.tensor(pairs.scores),
            marks=pairs.marks.astype("<u2").tobytes(),
            revision=stored.message.revision,
        )

    def _candidates(self, request: pb.GetCandidatesRequest) -> Iterator[pb.GetCandidatesResponse]:
        stored = self.survey(request.survey_id)
        if not stored.detections:
            return
        ids = list(stored.detections)
        queries, spec = stored.rows(request.detection_ids or ids), stored.spec(request.fusion)
        for ranked in Ranker(stored.gallery()).top_k(queries, request.top_k, fusion=Fusion(spec.fusion)):
            one = pb.CandidateList(detection_id=ids[ranked.query], compared=ranked.compared)
            words = stored.reasons(np.full(len(ranked.rows), ranked.query), ranked.rows)
            scores = (ranked.scores.visual, ranked.scores.feasibility, ranked.scores.fused)
            columns = zip(ranked.rows.tolist(), *(s.tolist() for s in scores), words, strict=True)
            for row, visual, feasibility, fused, (_, _, phrase) in columns:
                local, marks = stored.local_of(one.detection_id, ids[row])
                one.candidates.add(
                    detection_id=ids[row],
                    visual=visual,
                    feasibility=_known(feasibility),
                    fused=fused,
                    reason=phrase,
                    individual_id=stored.detections[ids[row]].individual_id,
                    local=local,
                    matched_marks=marks,
                )
            yield pb.GetCandidatesResponse(lists=[one], revision=stored.message.revision, score_spec=spec)

    def _score_pairs(self, request: pb.ScorePairsRequest) -> pb.ScorePairsResponse:
        stored = self.survey(request.survey_id)
        first = stored.rows(pair.first_detection_id for pair in request.pairs)
        second = stored.rows(pair.second_detection_id for pair in request.pairs)
        spec = stored.spec(request.fusion)
        scores = stored.gallery().score_pairs(first, second, Fusion(spec.fusion))
        return pb.ScorePairsResponse(
            visual=messages.tensor(scores.visual),
            feasibility=messages.tensor(scores.feasibility),
            fused=messages.tensor(scores.fused),
            score_spec=spec,
        )

    def _explain_pair(self, request: pb.ExplainPairRequest) -> pb.ExplainPairResponse:
        stored = self.survey(request.survey_id)
        ids = request.pair.first_detection_id, request.pair.second_detection_id
        first, second = (stored.rows([one]) for one in ids)
        local, marks = stored.local_of(*ids)
        gallery = stored.gallery()
        spec = stored.spec(request.fusion)
        scores = gallery.score_pairs(first, second, Fusion(spec.fusion))
        distance = geometry.distance_m(gallery.table, first, second)
        gap = geometry.believed_gap_s(gallery.table, first, second, gallery.extent)
        ((_, _, phrase),) = stored.reasons(first, second)
        shown = [stored.detections[i].camera_id for i in ids]
        return pb.ExplainPairResponse(
            visual=scores.visual.item(),
            feasibility=_known(scores.feasibility.item()),
            fused=scores.fused.item(),
            distance_m=_known(distance.item()),
            gap_s=_known(gap.item()),
            needed_speed_kmh=_known(needed_speed_kmh(distance, gap).item()),
            reason=phrase,
            station=shared_station(stored.cameras, *shown),
            score_spec=spec,
            local=local,
            matched_marks=marks,
            matched_points=stored.points(*ids) if marks else (),
        )

    def _matrix(self, request: pb.GetScoreMatrixRequest) -> Iterator[pb.GetScoreMatrixResponse]:
        stored = self.survey(request.survey_id)
        if not stored.detections:
            return
        rows = stored.rows(request.row_detection_ids or stored.detections)
        columns = stored.rows(request.column_detection_ids or stored.detections)
        spec = stored.spec(request.fusion)
        block = Ranker(stored.gallery()).score_block(rows, columns, Fusion(spec.fusion))
        block = block[request.row_offset :]
        half = request.element_type == survey_pb2.ELEMENT_TYPE_FLOAT16
        scores = messages.tensor(block.astype(np.float16) if half else block)
        yield pb.GetScoreMatrixResponse(
            row_offset=request.row_offset,
            scores=scores,
            checksum=zlib.crc32(scores.content),
            row_count=len(rows),
            score_spec=spec,
            revision=stored.message.revision,
        )


def _add(
    stored: StoredSurvey, detection: Detection, vector: FloatArray, response: pb.AddDetectionsResponse
) -> None:
    known = stored.detections.get(detection.detection_id)
    if known is None and detection.camera_id and detection.camera_id not in stored.cameras:
        error = survey_pb2.ItemError(
            reason=NotFoundError.reason,
            message=f"camera {detection.camera_id!r} does not exist; add it first",
        )
        response.rejected.add(detection_id=detection.detection_id, error=error)
    elif known is None:
        stored.detections[detection.detection_id] = detection
        stored.vectors[detection.detection_id] = vector
        response.added += 1
    elif known == detection:
        response.unchanged += 1
    else:
        error = survey_pb2.ItemError(
            reason=AlreadyExistsError.reason, message="the id is taken by another detection"
        )
        response.rejected.add(detection_id=detection.detection_id, error=error)


def _known(value: float) -> float | None:
    return None if math.isnan(value) else value
