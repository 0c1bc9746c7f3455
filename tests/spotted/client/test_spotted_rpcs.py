"""Every rpc of the contract is reached by a method of the client, and no method shows a message."""

from __future__ import annotations

import dataclasses
import enum
import inspect
import typing
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import grpc
import numpy as np
import pytest
from google.protobuf.descriptor import MethodDescriptor
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass

from spotted import client
from spotted.client import oracle, values
from spotted.client.operation_handle import OperationHandle
from spotted.client.session_handle import SessionHandle
from spotted.client.spotted import Spotted
from spotted.client.survey_handle import SurveyHandle
from spotted.survey import Detection, Survey
from spotted.v1 import embedder_pb2, operations_pb2, sampler_pb2, scorer_pb2

SERVICES = [
    file.DESCRIPTOR.services_by_name[name]
    for file, name in (
        (embedder_pb2, "EmbedderService"),
        (operations_pb2, "OperationsService"),
        (sampler_pb2, "SamplerService"),
        (scorer_pb2, "ScorerService"),
    )
]
RPCS = {method.name for service in SERVICES for method in service.methods}
SPEC = values.EmbeddingSpec("b", "p", 2)
VECTORS = np.ones((1, 2), np.float32)
# each rpc, and the call by which it is reached
CALLS: dict[str, Callable[[Spotted], object]] = {
    "Embed": lambda s: s.embed_batch([values.Crop("a", b"")]),
    "EmbedStream": lambda s: list(s.embed([values.Crop("a", b"")])),
    "ApplyHead": lambda s: s.apply_head("h", VECTORS),
    "AddReferenceImage": lambda s: s.add_reference(b""),
    "ListModels": lambda s: list(s.models()),
    "GetServerInfo": lambda s: s.server_info(),
    "ListSurveys": lambda s: list(s.surveys()),
    "CreateSurvey": lambda s: s.create_survey(Survey("a", 0.0, 1.0)),
    "GetOperation": lambda s: s.operation("o").info(),
    "WatchOperation": lambda s: list(s.operation("o").watch()),
    "CancelOperation": lambda s: s.operation("o").cancel(),
    "GetSurvey": lambda s: s.survey("a").info(),
    "UpdateSurvey": lambda s: s.survey("a").update(display_name="b"),
    "DeleteSurvey": lambda s: s.survey("a").delete(),
    "UpsertCameras": lambda s: s.survey("a").upsert_cameras([]),
    "ListCameras": lambda s: list(s.survey("a").cameras()),
    "AddDetections": lambda s: s.survey("a").add_detections([Detection("d")], VECTORS, SPEC),
    "ListDetections": lambda s: list(s.survey("a").detections()),
    "DeleteDetections": lambda s: s.survey("a").delete_detections(["d"]),
    "TrainHead": lambda s: s.survey("a").train_head(),
    "ActivateHead": lambda s: s.survey("a").activate_head(""),
    "FitCalibration": lambda s: s.survey("a").fit_calibration(),
    "ActivateCalibration": lambda s: s.survey("a").activate_calibration(""),
    "GetCandidates": lambda s: list(s.survey("a").candidates()),
    "QueryCandidates": lambda s: s.survey("a").query_candidates(Detection(""), VECTORS[0], SPEC),
    "ScorePairs": lambda s: s.survey("a").score_pairs([]),
    "ExplainPair": lambda s: s.survey("a").explain_pair("d", "e"),
    "GetScoreMatrix": lambda s: s.survey("a").score_matrix(),
    "ListSessions": lambda s: list(s.survey("a").sessions()),
    "CreateSession": lambda s: s.survey("a").create_session("m"),
    "ImportSession": lambda s: s.survey("a").import_session("m", []),
    "GetSession": lambda s: s.survey("a").session("m").info(),
    "DeleteSession": lambda s: s.survey("a").session("m").delete(),
    "NextPairs": lambda s: s.survey("a").session("m").next_pairs("anna"),
    "SubmitLabels": lambda s: s.survey("a").session("m").submit_labels([]),
    "RetractLabels": lambda s: s.survey("a").session("m").retract_labels([], "anna"),
    "ListConflicts": lambda s: list(s.survey("a").session("m").conflicts()),
    "GetProgress": lambda s: s.survey("a").session("m").progress(),
    "WatchProgress": lambda s: list(s.survey("a").session("m").watch_progress()),
    "ListIndividuals": lambda s: list(s.survey("a").session("m").individuals()),
    "ListEvents": lambda s: list(s.survey("a").session("m").events()),
}


class Recorder(grpc.GenericRpcHandler):
    """Answers every rpc of the contract with an empty message, and records its name."""

    def __init__(self) -> None:
        self.called: list[str] = []
        self._methods = {
            f"/{m.containing_service.full_name}/{m.name}": m for s in SERVICES for m in s.methods
        }

    def service(self, handler_call_details: grpc.HandlerCallDetails) -> grpc.RpcMethodHandler | None:
        method = self._methods.get(handler_call_details.method)
        if method is None:
            return None
        self.called.append(method.name)
        return self._handler(method)

    def _handler(self, method: MethodDescriptor) -> grpc.RpcMethodHandler:
        kinds = method.client_streaming, method.server_streaming
        make = {
            (False, False): grpc.unary_unary_rpc_method_handler,
            (False, True): grpc.unary_stream_rpc_method_handler,
            (True, False): grpc.stream_unary_rpc_method_handler,
            (True, True): grpc.stream_stream_rpc_method_handler,
        }[kinds]
        response = GetMessageClass(method.output_type)()
        if "operation" in method.output_type.fields_by_name:
            response.operation.state = operations_pb2.OPERATION_STATE_RUNNING
        for field in method.output_type.fields:
            if field.message_type and field.message_type.name == "Tensor" and not field.is_repeated:
                getattr(response, field.name).element_type = 2
                getattr(response, field.name).shape.append(0)

        def answer(request: object, _: object) -> Message | Iterator[Message]:
            if method.client_streaming:
                list(typing.cast("Iterator[Message]", request))
            return iter(()) if method.server_streaming else response

        request_class = GetMessageClass(method.input_type)
        return make(
            answer,
            request_deserializer=request_class.FromString,
            response_serializer=lambda message: message.SerializeToString(),
        )


@contextmanager
def recording() -> Iterator[tuple[Spotted, Recorder]]:
    recorder = Recorder()
    server = grpc.server(ThreadPoolExecutor(2), handlers=[recorder])
    address = f"127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}"
    server.start()
    try:
        with Spotted(embedder=address, scorer=address, sampler=address) as spotted:
            yield spotted, recorder
    finally:
        server.stop(0).wait()


def test_every_rpc_of_the_contract_is_reached_by_a_method() -> None:
    assert set(CALLS) == RPCS
    with recording() as (spotted, recorder):
        for rpc, call in CALLS.items():
            recorder.called.clear()
            call(spotted)
            assert recorder.called == [rpc]


def test_a_handle_is_made_without_a_call() -> None:
    with recording() as (spotted, recorder):
        handles = [spotted.survey("a"), spotted.survey("a").session("m"), spotted.operation("o")]
        assert [repr(one) for one in handles] == [
            "SurveyHandle('a')",
            "SessionHandle('a', 'm')",
            "OperationHandle('o')",
        ]
    assert recorder.called == []


def named(annotation: object) -> Iterator[type]:
    """The classes in an annotation."""
    parts = typing.get_args(annotation)
    if isinstance(annotation, type):
        yield annotation
    for part in parts:
        for one in part if isinstance(part, list) else [part]:
            yield from named(one)


def public(owner: type) -> list[Callable[..., object]]:
    names = [name for name in dir(owner) if not name.startswith("_") or name == "__init__"]
    members = [inspect.getattr_static(owner, name) for name in names]
    return [getattr(one, "__func__", one) for one in members if callable(getattr(one, "__func__", one))]


PUBLIC = [
    *(
        method
        for owner in (Spotted, SurveyHandle, SessionHandle, OperationHandle)
        for method in public(owner)
    ),
    oracle.answer_all,
    oracle.read_truth,
]


@pytest.mark.parametrize("method", PUBLIC, ids=lambda method: method.__qualname__)
def test_no_public_method_takes_or_returns_a_message(method: Callable[..., object]) -> None:
    hints = typing.get_type_hints(method)
    assert hints.keys() >= set(inspect.signature(method).parameters) - {"self", "cls"}
    for annotation in hints.values():
        for one in named(annotation):
            assert not one.__module__.endswith(("_pb2", "_pb2_grpc")), one


@pytest.mark.parametrize("name", values.__all__)
def test_no_value_holds_a_message_and_every_field_is_described(name: str) -> None:
    value = getattr(values, name)
    if issubclass(value, enum.Enum):
        return
    assert dataclasses.is_dataclass(value)
    assert value.__dataclass_params__.frozen  # type: ignore[attr-defined] # how dataclasses keep it
    for annotation in typing.get_type_hints(value).values():
        for one in named(annotation):
            assert not one.__module__.endswith("_pb2"), one


def test_the_face_names_what_it_exports() -> None:
    assert all(getattr(client, name) is not None for name in client.__all__)
    with pytest.raises(AttributeError, match="no attribute 'nosuch'"):
        _ = client.nosuch
