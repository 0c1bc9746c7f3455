"""The local features of one survey."""

from __future__ import annotations

from collections.abc import Mapping

from spotted.client.connection import Connection, Endpoint, request_id
from spotted.client.local_features.messages import added_features, blocks, local_scores, local_spec_message
from spotted.client.operation_handle import OperationHandle
from spotted.client.values.surveys import AddedLocalFeatures, LocalFeatureSpec, LocalScores
from spotted.errors import InvalidInputError
from spotted.v1 import local_features_pb2, scorer_pb2
from spotted.v1.scorer_pb2_grpc import ScorerServiceStub


class SurveyLocalFeatures:
    """The part of `SurveyHandle` that stores and matches local features."""

    survey_id: str
    _scorer: Endpoint[ScorerServiceStub]
    _connection: Connection

    def add_local_features(
        self, features: Mapping[str, bytes], spec: LocalFeatureSpec, *, replace_spec: bool = False
    ) -> AddedLocalFeatures:
        """Store local features of detections by their ids; the result lists those that were rejected.

        features: `Embedded.local_features` of each detection. spec: how they were made.
        replace_spec: drop the features that the survey has, if they were made otherwise.
        Each MiB of features is one change of the survey. Raises DigestMismatchError for features of another
        spec than the survey's, InvalidInputError without features.
        """
        if not features:
            raise InvalidInputError(
                "there are no local features to store; pass at least one", field="features"
            )
        responses = []
        for block in blocks(features):
            request = local_features_pb2.AddLocalFeaturesRequest(
                survey_id=self.survey_id,
                spec=local_spec_message(spec),
                features=block,
                replace_spec=replace_spec,
                request_id=request_id(),
            )
            responses.append(self._scorer.call(self._scorer.stub.AddLocalFeatures, request))
        return added_features(responses)

    def match_local_features(self, *, candidates: int = 0, renew: bool = False) -> OperationHandle:
        """Begin to match the local features of each detection with those of its best candidates.

        candidates: number of candidates of each detection; 0: 50, or 160,000 divided by the number of
        detections if that is more and no network matches. renew: drop all local scores first. Pairs that
        were matched keep their scores. Raises PreconditionError if fewer than two detections have local
        features, or a matching of the survey is already running.
        """
        request = local_features_pb2.MatchLocalFeaturesRequest(
            survey_id=self.survey_id, candidates=candidates, renew=renew, request_id=request_id()
        )
        operation = self._scorer.call(self._scorer.stub.MatchLocalFeatures, request).operation
        return OperationHandle(self._connection, operation.operation_id)

    def local_scores(self) -> LocalScores:
        """The local scores of all pairs that were matched."""
        request = local_features_pb2.GetLocalScoresRequest(survey_id=self.survey_id)
        return local_scores(list(self._scorer.stream(self._scorer.stub.GetLocalScores, request)))

    def with_local_features(self) -> set[str]:
        """The ids of the detections that have local features."""
        request = scorer_pb2.ListDetectionsRequest(survey_id=self.survey_id)
        return {
            page.detections[index].detection_id
            for page in self._scorer.pages(self._scorer.stub.ListDetections, request)
            for index in page.with_local_features
        }
