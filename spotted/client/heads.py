"""Calls that learn adaptation heads and score through them."""

from __future__ import annotations

from collections.abc import Iterator

from spotted.client.connection import Connection, request_id
from spotted.v1 import embedder_pb2, operations_pb2, scorer_pb2, survey_pb2


class HeadCalls(Connection):
    """Heads learned from places and times."""

    def train_head(
        self, survey_id: str, recipe: embedder_pb2.HeadRecipe | None = None
    ) -> operations_pb2.Operation:
        """Begin a training; it goes on whether or not anybody watches. Its result is the head's digest."""
        request = embedder_pb2.TrainHeadRequest(survey_id=survey_id, recipe=recipe, request_id=request_id())
        with self._errors("embedder"):
            return self.embedder.TrainHead(request, timeout=self._timeout_s).operation

    def watch_operation(self, operation_id: str) -> Iterator[operations_pb2.Operation]:
        """An operation as it goes on, the last time when it has ended."""
        request = operations_pb2.WatchOperationRequest(operation_id=operation_id)
        for answer in self._stream(self.operations.WatchOperation, request, "embedder"):
            yield answer.operation

    def cancel_operation(self, operation_id: str) -> operations_pb2.Operation:
        """Ask an operation to end; what it had learned is dropped."""
        request = operations_pb2.CancelOperationRequest(operation_id=operation_id)
        with self._errors("embedder"):
            return self.operations.CancelOperation(request, timeout=self._timeout_s).operation

    def activate_head(self, survey_id: str, digest: str) -> survey_pb2.Survey:
        """Score a survey through a head from now on, "" for none."""
        request = scorer_pb2.ActivateHeadRequest(
            survey_id=survey_id, head_digest=digest, request_id=request_id()
        )
        with self._errors("scorer"):
            return self.scorer.ActivateHead(request, timeout=self._timeout_s).survey
