"""A gRPC server on loopback whose rpcs are plain functions."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import grpc
from google.protobuf.descriptor import MethodDescriptor
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass
from google.rpc import error_details_pb2, status_pb2
from grpc_status import rpc_status

from spotted import messages
from spotted.errors import InvalidInputError, NotFoundError, OverloadedError, SpottedError, UnavailableError
from spotted.v1 import catalogue_pb2, embedder_pb2, operations_pb2, sampler_pb2, scorer_pb2

# a function of the request, or of an iterator of requests; it returns the response, or an iterator of them
Reply = Callable[[Any], Any]
Replies = Mapping[str, Reply]

SERVICES = (
    embedder_pb2.DESCRIPTOR.services_by_name["EmbedderService"],
    operations_pb2.DESCRIPTOR.services_by_name["OperationsService"],
    sampler_pb2.DESCRIPTOR.services_by_name["SamplerService"],
    scorer_pb2.DESCRIPTOR.services_by_name["ScorerService"],
    catalogue_pb2.DESCRIPTOR.services_by_name["CatalogueService"],
)
THREADS = 8
# the client goes by the reason; the code matters for UNAVAILABLE only, which is retried
CODES = {
    InvalidInputError: grpc.StatusCode.INVALID_ARGUMENT,
    NotFoundError: grpc.StatusCode.NOT_FOUND,
    OverloadedError: grpc.StatusCode.RESOURCE_EXHAUSTED,
    UnavailableError: grpc.StatusCode.UNAVAILABLE,
    SpottedError: grpc.StatusCode.FAILED_PRECONDITION,
}


@contextmanager
def serve_replies(replies: Replies) -> Iterator[str]:
    """Serve functions as the rpcs of all services on a free loopback port; yields the address.

    replies: by the rpc's name in the contract. An error of spotted.errors that a function raises reaches the
    client as the same class; an rpc without a function fails as unimplemented.
    """
    server = grpc.server(ThreadPoolExecutor(THREADS), handlers=[_Handler(replies)])
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    try:
        yield f"127.0.0.1:{port}"
    finally:
        server.stop(0).wait()


class _Handler(grpc.GenericRpcHandler):
    """Finds the function of an rpc."""

    def __init__(self, replies: Replies) -> None:
        self._replies = replies
        self._methods = {
            f"/{service.full_name}/{method.name}": method
            for service in SERVICES
            for method in service.methods
        }

    def service(
        self, handler_call_details: grpc.HandlerCallDetails
    ) -> grpc.RpcMethodHandler[Any, Any] | None:
        method = self._methods.get(handler_call_details.method)
        reply = self._replies.get(method.name) if method else None
        return _rpc(method, reply) if method and reply else None


def _rpc(method: MethodDescriptor, reply: Reply) -> grpc.RpcMethodHandler[Any, Any]:
    make = {
        (False, False): grpc.unary_unary_rpc_method_handler,
        (False, True): grpc.unary_stream_rpc_method_handler,
        (True, False): grpc.stream_unary_rpc_method_handler,
        (True, True): grpc.stream_stream_rpc_method_handler,
    }[method.client_streaming, method.server_streaming]

    def respond(request: object, context: grpc.ServicerContext) -> object:
        try:
            return reply(request)
        except SpottedError as error:
            context.abort_with_status(_status(error))

    def stream(request: object, context: grpc.ServicerContext) -> Iterator[object]:
        try:
            yield from reply(request)
        except SpottedError as error:
            context.abort_with_status(_status(error))

    return make(
        stream if method.server_streaming else respond,
        request_deserializer=GetMessageClass(method.input_type).FromString,
        response_serializer=GetMessageClass(method.output_type).SerializeToString,
    )


def _status(error: SpottedError) -> grpc.Status:
    details: list[Message] = [error_details_pb2.ErrorInfo(reason=error.reason, domain="spotted")]
    if isinstance(error, InvalidInputError) and error.field:
        violation = error_details_pb2.BadRequest.FieldViolation(field=error.field, description=str(error))
        details.append(error_details_pb2.BadRequest(field_violations=[violation]))
    if isinstance(error, OverloadedError):
        details.append(error_details_pb2.RetryInfo(retry_delay=messages.duration(error.retry_after_s)))
    number: int = next(code for kind, code in CODES.items() if isinstance(error, kind)).value[0]
    status = status_pb2.Status(code=number, message=str(error))
    for detail in details:
        status.details.add().Pack(detail)
    return rpc_status.to_status(status)
