"""Metadata that goes with every call of a channel."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import grpc

Headers = Sequence[tuple[str, str | bytes]]

# a proxy routes the calls of one survey to one replica by this header
SURVEY = "x-spotted-survey"


class CallDetails(grpc.ClientCallDetails):
    """The details of a call, with other metadata."""

    def __init__(self, call: grpc.ClientCallDetails, metadata: Headers) -> None:
        self.method = call.method
        self.timeout = call.timeout
        self.metadata = tuple(metadata)
        self.credentials = call.credentials
        self.wait_for_ready = call.wait_for_ready
        self.compression = call.compression


def survey_of(request: object) -> Headers:
    """The survey that a request names."""
    survey_id: str = getattr(request, "survey_id", "")
    # an id that no header can carry is not a valid id; the service refuses it
    return [(SURVEY, survey_id)] if survey_id and survey_id.isascii() and survey_id.isprintable() else []


class SendsHeaders(
    grpc.UnaryUnaryClientInterceptor,
    grpc.UnaryStreamClientInterceptor,
    grpc.StreamUnaryClientInterceptor,
    grpc.StreamStreamClientInterceptor,
):
    """Adds metadata to every call: `grpc.intercept_channel(channel, SendsHeaders(outgoing))`.

    outgoing: called once for each call, in the calling thread, with the request or the iterator of requests;
        returns metadata such as a trace context, a request id or a token.
    """

    def __init__(self, outgoing: Callable[[object], Headers]) -> None:
        self._outgoing = outgoing

    def intercept_unary_unary(
        self,
        continuation: Callable[[grpc.ClientCallDetails, Any], Any],
        client_call_details: grpc.ClientCallDetails,
        # a message
        request: Any,  # noqa: ANN401 - its type differs at every rpc
    ) -> Any:  # noqa: ANN401 - gRPC's own kind of call
        """Add the metadata."""
        added = self._outgoing(request)
        if added:
            metadata = (*(client_call_details.metadata or ()), *added)
            client_call_details = CallDetails(client_call_details, metadata)
        return continuation(client_call_details, request)

    intercept_unary_stream = intercept_unary_unary

    def intercept_stream_unary(
        self,
        continuation: Callable[[grpc.ClientCallDetails, Any], Any],
        client_call_details: grpc.ClientCallDetails,
        # an iterator of messages
        request_iterator: Any,  # noqa: ANN401 - their type differs at every rpc
    ) -> Any:  # noqa: ANN401 - gRPC's own kind of call
        """Add the metadata."""
        return self.intercept_unary_unary(continuation, client_call_details, request_iterator)

    intercept_stream_stream = intercept_stream_unary
