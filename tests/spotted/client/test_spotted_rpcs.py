"""Every rpc of the contract is reached by a method of the client, and no method shows a message."""

from __future__ import annotations

import ast
import dataclasses
import enum
import inspect
import typing
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from google.protobuf.descriptor import MethodDescriptor
from google.protobuf.message_factory import GetMessageClass

from spotted import client
from spotted.catalogue.facts import Member
from spotted.client import oracle, values
from spotted.client.catalogue.handle import CatalogueHandle
from spotted.client.individuals.handle import IndividualHandle
from spotted.client.operation_handle import OperationHandle
from spotted.client.session_handle import SessionHandle
from spotted.client.spotted import Spotted
from spotted.client.survey_handle import SurveyHandle
from spotted.constraints import Trust
from spotted.survey import Detection, Survey
from spotted.testing.server import SERVICES, Reply, serve_replies
from spotted.v1 import operations_pb2, survey_pb2

RPCS = {method.name for service in SERVICES for method in service.methods}
SPEC = values.EmbeddingSpec("b", "p", 2)
LOCAL = values.LocalFeatureSpec("hotspotter", "d")
VECTORS = np.ones((1, 2), np.float32)
ANIMAL = values.CatalogueAddition(values.Individual("i", ("d",)))
# each rpc, and the call by which it is reached
CALLS: dict[str, Callable[[Spotted], object]] = {
    "Embed": lambda s: s.embed_batch([values.Crop("a", b"")]),
    "EmbedStream": lambda s: list(s.embed([values.Crop("a", b"")])),
    "ApplyHead": lambda s: s.apply_head("h", VECTORS),
    "GetHeatMap": lambda s: s.heat_map(values.Crop("a", b""), values.Crop("b", b"")),
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
    "DeleteCameras": lambda s: s.survey("a").delete_cameras(["c"]),
    "ListCameras": lambda s: list(s.survey("a").cameras()),
    "AddDetections": lambda s: s.survey("a").add_detections([Detection("d")], VECTORS, SPEC),
    "ListDetections": lambda s: list(s.survey("a").detections()),
    "UpdateDetections": lambda s: s.survey("a").update_detections([Detection("d")], ["side"]),
    "ListDetectionChanges": lambda s: list(s.survey("a").detection_changes()),
    "DeleteDetections": lambda s: s.survey("a").delete_detections(["d"]),
    "AddLocalFeatures": lambda s: s.survey("a").add_local_features({"d": b"f"}, LOCAL),
    "MatchLocalFeatures": lambda s: s.survey("a").match_local_features(),
    "GetLocalScores": lambda s: s.survey("a").local_scores(),
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
    "UpdateSession": lambda s: s.survey("a").session("m").update(trust=Trust.VERIFIED),
    "DeleteSession": lambda s: s.survey("a").session("m").delete(),
    "NextPairs": lambda s: s.survey("a").session("m").next_pairs("anna"),
    "ReleaseLeases": lambda s: s.survey("a").session("m").release_leases("anna"),
    "SubmitLabels": lambda s: s.survey("a").session("m").submit_labels([]),
    "RetractLabels": lambda s: s.survey("a").session("m").retract_labels([], "anna"),
    "ListConflicts": lambda s: list(s.survey("a").session("m").conflicts()),
    "GetProgress": lambda s: s.survey("a").session("m").progress(),
    "WatchProgress": lambda s: list(s.survey("a").session("m").watch_progress()),
    "ListIndividuals": lambda s: list(s.survey("a").session("m").individuals()),
    "GetIndividual": lambda s: s.survey("a").session("m").individual("i").get(),
    "UpdateIndividual": lambda s: s.survey("a").session("m").individual("i").rename("Sita", "anna"),
    "MergeIndividuals": lambda s: s.survey("a").session("m").individual("i").merge(["j"], "anna"),
    "SplitIndividual": lambda s: s.survey("a").session("m").individual("i").split(["d"], "anna"),
    "MoveDetections": lambda s: s.survey("a").session("m").individual("i").move_here(["d"], "anna"),
    "UndoChange": lambda s: s.survey("a").session("m").undo_change(3, "anna"),
    "WatchIndividuals": lambda s: list(s.survey("a").session("m").watch_individuals()),
    "ListCatalogueEntries": lambda s: list(s.catalogue().entries()),
    "GetCatalogueEntry": lambda s: s.catalogue().entry("c"),
    "AddCatalogueMembers": lambda s: s.catalogue().add("a", [ANIMAL], "anna"),
    "UpdateCatalogueEntry": lambda s: s.catalogue().update("c", "anna", notes="scar"),
    "MergeCatalogueEntries": lambda s: s.catalogue().merge("c", ["e"], "anna"),
    "SplitCatalogueEntry": lambda s: s.catalogue().split("c", [Member("a", "d")], "anna"),
    "RemoveCatalogueMembers": lambda s: s.catalogue().remove([Member("a", "d")], "anna"),
    "UndoCatalogueChange": lambda s: s.catalogue().undo("x", "anna"),
    "ListCatalogueChanges": lambda s: list(s.catalogue().changes()),
    "WatchCatalogue": lambda s: list(s.catalogue().watch()),
    "ReadCatalogueMembers": lambda s: list(s.catalogue().members_beside("a")),
    "MatchCatalogue": lambda s: list(s.catalogue().match("a")),
    "ListEvents": lambda s: list(s.survey("a").session("m").events()),
}


@contextmanager
def recording() -> Iterator[tuple[Spotted, list[str]]]:
    """A client of services that answer with empty messages, and the names of the rpcs called."""
    called: list[str] = []

    def reply_of(method: MethodDescriptor) -> Reply:
        # Any: the field exists in some responses only
        response: Any = GetMessageClass(method.output_type)()
        empty = survey_pb2.Tensor(element_type=survey_pb2.ELEMENT_TYPE_FLOAT32, shape=[0])
        for field in method.output_type.fields:
            if field.message_type is survey_pb2.Tensor.DESCRIPTOR:
                getattr(response, field.name).CopyFrom(empty)
            elif field.message_type is operations_pb2.Operation.DESCRIPTOR:
                getattr(response, field.name).state = operations_pb2.OPERATION_STATE_RUNNING

        def reply(request: Any) -> Any:  # noqa: ANN401 - of any rpc
            called.append(method.name)
            if method.client_streaming:
                list(request)
            return iter(()) if method.server_streaming else response

        return reply

    replies = {method.name: reply_of(method) for service in SERVICES for method in service.methods}
    with (
        serve_replies(replies) as address,
        Spotted(embedder=address, scorer=address, sampler=address) as spotted,
    ):
        yield spotted, called


def test_every_rpc_of_the_contract_is_reached_by_a_method() -> None:
    assert set(CALLS) == RPCS
    with recording() as (spotted, called):
        for rpc, call in CALLS.items():
            called.clear()
            call(spotted)
            assert called == [rpc]


def test_a_handle_is_made_without_a_call() -> None:
    with recording() as (spotted, called):
        handles = [spotted.survey("a"), spotted.survey("a").session("m"), spotted.operation("o")]
        assert [repr(one) for one in handles] == [
            "SurveyHandle('a')",
            "SessionHandle('a', 'm')",
            "OperationHandle('o')",
        ]
    assert called == []


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
        for owner in (
            Spotted,
            SurveyHandle,
            SessionHandle,
            IndividualHandle,
            OperationHandle,
            CatalogueHandle,
        )
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
def test_a_value_is_frozen_and_holds_no_message(name: str) -> None:
    value = getattr(values, name)
    if issubclass(value, enum.Enum):
        return
    assert dataclasses.is_dataclass(value)
    assert value.__hash__ is not None  # a frozen dataclass with equality
    for annotation in typing.get_type_hints(value).values():
        for one in named(annotation):
            assert not one.__module__.endswith("_pb2"), one


@pytest.mark.parametrize(
    "path", sorted(Path(values.__file__).parent.glob("*.py")), ids=lambda path: path.stem
)
def test_every_field_of_a_value_is_described(path: Path) -> None:
    for owner in ast.walk(ast.parse(path.read_text())):
        if not isinstance(owner, ast.ClassDef):
            continue
        for field, after in zip(owner.body, [*owner.body[1:], None], strict=True):
            if isinstance(field, ast.AnnAssign | ast.Assign):
                described = isinstance(after, ast.Expr) and isinstance(after.value, ast.Constant)
                assert described, f"{owner.name}: {ast.unparse(field)}"


def test_the_face_names_what_it_exports() -> None:
    assert all(getattr(client, name) is not None for name in client.__all__)
    with pytest.raises(AttributeError, match="no attribute 'nosuch'"):
        _ = client.nosuch
