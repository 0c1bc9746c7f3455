"""Two organisations in one store, served by real services that check tokens."""

from __future__ import annotations

import io
import os
import uuid
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
from google.protobuf.descriptor import MethodDescriptor
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass
from PIL import Image

from services.common import process
from services.common.access.guard import Guard
from services.common.access.tokens import KnownCallers, Tokens
from services.common.server import Service
from services.common.settings import Security, Settings
from services.common.store.operations import Operations
from services.common.store.store import Store
from services.common.survey.heads import HeadStore
from services.embedder.__main__ import services as embedder_services
from services.embedder.inference.backbones import Backbone, Manifest
from services.embedder.inference.calls import Embedders
from services.embedder.inference.cell_maps import CellMap, with_output
from services.embedder.inference.image_embedder import ImageEmbedder
from services.embedder.inference.stored import Stores
from services.embedder.references import ReferenceStore
from services.embedder.servicer import MAX_MESSAGE_BYTES
from services.embedder.training.head_onnx import to_onnx
from services.sampler.__main__ import service as sampler_service
from services.sampler.questions.detection_facts import DetectionFacts
from services.sampler.questions.next_questions import NextQuestions
from services.sampler.questions.planner_process import PlannerProcesses, PlanningWork
from services.sampler.scorer_client import ScorerClient
from services.sampler.session.leases import Leases
from services.sampler.session.sessions import Sessions
from services.scorer.__main__ import service as scorer_service
from spotted.arrays import Float32Array
from spotted.client import Credentials, Label, Spotted
from spotted.client.calls import open_channel
from spotted.client.survey_messages import embedding_spec
from spotted.client.values import CatalogueAddition, Individual
from spotted.constraints.answers import Answer
from spotted.facts import KnownIndividuals
from spotted.heads.head import Head
from spotted.scoring.similarity import unit_rows
from spotted.survey import Camera, Detection, Survey
from spotted.v1 import access_pb2, operations_pb2, survey_pb2
from tests.services.serving import running
from tests.waiting import PATIENCE_S

TINY = "tiny"
DIMENSION = 8
SPEC = survey_pb2.EmbeddingSpec(backbone_digest="b", preprocessing_digest="p", dimension=DIMENSION)
ANIMALS, COUNT = 6, 24
# after an id: what a request makes under it
NEW = "-new"
# length of a SHA-256 in hex; messages shorten it
DIGEST = 64
# the id that both organisations use
COMMON = "kenya-2026"


@dataclass(frozen=True)
class Ids:
    """Names that a request may use.

    taken: a survey without detections; there is another one whose id is this and `-new`.
    """

    survey: str
    taken: str
    session: str
    detection: str
    other_detection: str
    camera: str
    label: str
    head: str
    reference: str
    calibration: str
    operation: str
    entry: str
    other_entry: str
    catalogue_change: str

    @classmethod
    def missing(cls, mark: str) -> Ids:
        """Ids of nothing."""
        return cls(
            survey=f"survey-{mark}",
            taken=f"taken-{mark}",
            session=f"session-{mark}",
            detection=f"first-{mark}",
            other_detection=f"second-{mark}",
            camera=f"camera-{mark}",
            label=f"77-{mark}",
            head=uuid.uuid4().hex * 2,
            reference=uuid.uuid4().hex * 2,
            calibration=uuid.uuid4().hex * 2,
            operation=uuid.uuid4().hex,
            entry=f"cat-{uuid.uuid4().hex[:16]}",
            other_entry=f"cat-{uuid.uuid4().hex[:16]}",
            catalogue_change=uuid.uuid4().hex,
        )

    def of(self, organisation: str) -> Ids:
        """With its surveys named as the store names them."""
        return replace(self, survey=f"{organisation}/{self.survey}", taken=f"{organisation}/{self.taken}")

    def within(self, survey: str) -> Ids:
        """The same parts, asked for in a survey."""
        return replace(self, survey=survey)

    def hidden(self, text: str) -> str:
        """A text without them."""
        for name, value in vars(self).items():
            text = text.replace(value, f"<{name}>")
            if len(value) == DIGEST:
                text = text.replace(value[:12], f"<{name}>")
        return text


class Member:
    """A caller with a token of an organisation."""

    def __init__(self, addresses: dict[str, str], token: str, opened: ExitStack) -> None:
        credentials = Credentials(token)
        self.client = opened.enter_context(
            Spotted(
                embedder=addresses["embedder"],
                scorer=addresses["scorer"],
                sampler=addresses["sampler"],
                credentials=credentials,
            )
        )
        self._channels = {
            role: opened.enter_context(open_channel(address, credentials))
            for role, address in addresses.items()
        }

    def call(self, method: MethodDescriptor, request: Message | list[Message]) -> Message | None:
        """The first answer to a request; None if a stream ends without one. Raises grpc.RpcError."""
        role = method.containing_service.name.removesuffix("Service").lower()
        channel = self._channels[{"operations": "embedder", "catalogue": "scorer"}.get(role, role)]
        shape = "_".join(
            "stream" if s else "unary" for s in (method.client_streaming, method.server_streaming)
        )
        call: Any = getattr(channel, shape)(
            f"/{method.containing_service.full_name}/{method.name}",
            request_serializer=GetMessageClass(method.input_type).SerializeToString,
            response_deserializer=GetMessageClass(method.output_type).FromString,
        )
        answer = call(iter(request) if isinstance(request, list) else request, timeout=PATIENCE_S)
        if not method.server_streaming:
            assert isinstance(answer, Message)
            return answer
        first: Message | None = next(iter(answer), None)
        answer.cancel()
        return first


@dataclass
class World:
    """Two organisations with what they have, and a service. scorer: its address."""

    store: Store
    scorer: str
    names: tuple[str, str]
    north: Member
    south: Member
    service: Member
    north_ids: Ids
    south_ids: Ids

    def keys_of_south(self) -> dict[str, bytes]:
        """All that the store holds of the second organisation, byte for byte."""
        south = self.names[1]
        own = tuple(
            f"spotted:{kind}"
            for kind in (f"{{s:{south}/", f"{{o:{south}}}:", f"training:{south}/", f"{{c:{south}}}:")
        )
        names = [name for name in self.store.names("spotted:") if name.startswith(own)]
        dump = self.store.script("return redis.call('DUMP', KEYS[1])", writes=False)
        found = {name: dump([name], []) for name in names}
        # those that expired since have nothing
        return {name: content for name, content in found.items() if isinstance(content, bytes)}


def tiny_backbone(path: Path) -> Backbone:
    """A backbone of one pixel whose vector is its colour."""
    graph = onnx.helper.make_graph(
        [
            onnx.helper.make_node("Cast", ["pixels"], ["as_float"], to=onnx.TensorProto.FLOAT),
            onnx.helper.make_node("Reshape", ["as_float", "shape"], ["features"]),
        ],
        "tiny",
        [onnx.helper.make_tensor_value_info("pixels", onnx.TensorProto.UINT8, ["n", 1, 1, 3])],
        [onnx.helper.make_tensor_value_info("features", onnx.TensorProto.FLOAT, ["n", 3])],
        [onnx.helper.make_tensor("shape", onnx.TensorProto.INT64, [2], [-1, 3])],
    )
    model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 18)], ir_version=10)
    onnx.save(model, path)
    manifest = Manifest(
        TINY, 1, 1, 3, (0.0,) * 3, (1.0,) * 3, "bilinear", "RGB", 18, "d" * 64, "Apache-2.0", "a test"
    )
    ones, zeros = np.ones(3, np.float32), np.zeros(3, np.float32)
    cell_map = CellMap("d" * 64, "as_float", channels_last=True, power=1.0, scale=ones, shift=zeros)
    content = with_output(path.read_bytes(), cell_map.tensor)
    session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
    return Backbone(manifest, session, "cpu", cell_map)


@contextmanager
def two_organisations(store: Store, directory: Path) -> Iterator[World]:
    """Serve them, and fill both."""
    mark = uuid.uuid4().hex[:8]
    names = (f"north{mark}", f"south{mark}")
    tokens = Tokens(store)
    token_file = directory / "token"
    token_file.write_text(tokens.create(organisation="", role=access_pb2.ROLE_SERVICE)[1])
    with ExitStack() as opened:
        addresses = _served(store, directory, token_file, opened)
        north, south = (
            Member(addresses, tokens.create(organisation=name, role=access_pb2.ROLE_ADMIN)[1], opened)
            for name in names
        )
        service = Member(addresses, token_file.read_text(), opened)
        ids = [filled(store, *one) for one in ((north, names[0], 0), (south, names[1], 1))]
        yield World(store, addresses["scorer"], names, north, south, service, ids[0], ids[1])


def _served(store: Store, directory: Path, token_file: Path, opened: ExitStack) -> dict[str, str]:
    """The addresses of a scorer, an embedder and a sampler that plans in a process of its own."""

    def serve(*services: Service, most: int) -> str:
        guard = Guard(KnownCallers(Tokens(store)))
        return opened.enter_context(running(*services, guard=guard, max_receive_bytes=most))

    backbone = tiny_backbone(directory / "tiny.onnx")
    embedders = Embedders([ImageEmbedder(backbone)], TINY, Stores(HeadStore(store), ReferenceStore(store)))
    environment = {**os.environ, "SPOTTED_STORE_URL": store.url}
    small = 4 * 1024 * 1024
    scorer = serve(scorer_service(store), most=small)
    security = Security(tokens=True, token_file=token_file)
    client = ScorerClient(scorer, security)
    opened.callback(client.close)
    work = PlanningWork(Settings("", store.url, scorer_address=scorer, security=security), 64 << 20)
    planners = PlannerProcesses(1, work)
    opened.callback(planners.close)
    sessions = Sessions(store, client, now=process.now)
    asking = NextQuestions(sessions, planners, Leases(store), DetectionFacts(client))
    opened.callback(asking.close)
    return {
        "embedder": serve(*embedder_services(store, embedders, environment), most=MAX_MESSAGE_BYTES),
        "scorer": scorer,
        "sampler": serve(sampler_service(sessions, asking), most=small),
    }


def filled(store: Store, member: Member, name: str, seed: int) -> Ids:
    """The contents of an organisation: a survey of its own and one whose id the other uses too."""
    client, own = member.client, f"own-{name}"
    detections = [replace(d, detection_id=f"{d.detection_id}-{name}") for d in detections_of(seed)]
    cameras = {
        f"{c}-{name}": replace(camera, camera_id=f"{c}-{name}") for c, camera in cameras_of(seed).items()
    }
    detections = [replace(d, camera_id=f"{d.camera_id}-{name}") for d in detections]
    client.create_survey(Survey(own, 0.0, 100_000.0, cameras=cameras))
    for taken in (f"taken-{name}", f"taken-{name}{NEW}"):
        client.create_survey(Survey(taken, 0.0, 50_000.0))
    client.survey(own).add_detections(detections, vectors(seed), embedding_spec(SPEC))
    client.create_survey(Survey(COMMON, 0.0, 100_000.0, f"of {name}", cameras_of(seed)))
    client.survey(COMMON).add_detections(
        detections_of(seed)[: COUNT - 8 * seed], vectors(seed)[: COUNT - 8 * seed], embedding_spec(SPEC)
    )
    session, label = f"session-{name}", answered(client, own, f"session-{name}")
    answered(client, COMMON, "main")
    head = stored_head(store, f"{name}/{own}", seed)
    client.survey(own).activate_head(head)
    animals = [
        CatalogueAddition(Individual("", (detections[n].detection_id,), f"a{n}-{name}")) for n in (0, 2)
    ]
    added = client.catalogue().add(own, animals, "anna")
    change = client.catalogue().update(added.animals[0].entry_id, "anna", tags=["ear"])
    return Ids(
        survey=own,
        taken=f"taken-{name}",
        session=session,
        detection=detections[0].detection_id,
        other_detection=detections[1].detection_id,
        camera=detections[0].camera_id,
        label=label,
        head=head,
        reference=client.add_reference(picture(seed)),
        calibration=client.survey(own).fit_calibration(use_known_individuals=True).survey.calibration_digest,
        operation=ended_operation(store, name),
        entry=added.animals[0].entry_id,
        other_entry=added.animals[1].entry_id,
        catalogue_change=change.change_id,
    )


def cameras_of(seed: int) -> dict[str, Camera]:
    """Three cameras; those of other seeds stand elsewhere."""
    return {f"c{i}": Camera(f"c{i}", x_m=1000.0 * i + 7.0 * seed, y_m=11.0 * seed) for i in range(3)}


def detections_of(seed: int) -> list[Detection]:
    """Four photographs of each of six animals."""
    return [
        Detection(f"k{i:02}", f"c{i % 3}", i * 4000.0 + seed, individual_id=f"a{i % ANIMALS}")
        for i in range(COUNT)
    ]


def vectors(seed: int) -> Float32Array:
    """Their vectors (COUNT, DIMENSION)."""
    rng = np.random.default_rng(seed + 1)
    look = rng.normal(size=(ANIMALS, DIMENSION))
    return (look[np.arange(COUNT) % ANIMALS] + 0.5 * rng.normal(size=(COUNT, DIMENSION))).astype(np.float32)


def picture(seed: int = 0) -> bytes:
    """A small PNG; no two seeds have the same."""
    pixels = np.random.default_rng(seed).integers(0, 256, (16, 16, 3), dtype=np.uint8)
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, "PNG")
    return stream.getvalue()


def answered(client: Spotted, survey_id: str, session_id: str) -> str:
    """A session with three answers; the id of the first."""
    session = client.survey(survey_id).create_session(
        session_id, strategy="greedy", known_individuals=KnownIndividuals.IGNORED
    )
    labels = [
        Label(pair.first.detection_id, pair.second.detection_id, Answer.DIFFERENT, "anna")
        for pair in session.next_pairs("anna", count=3).pairs
    ]
    return session.submit_labels(labels).outcomes[0].label.label_id


def stored_head(store: Store, survey_id: str, seed: int) -> str:
    """A head drawn at random, as a training on a survey would have stored it."""
    rng = np.random.default_rng(seed)
    shapes: list[tuple[int, ...]] = [(3, DIMENSION), (3,), (DIMENSION, 3), (DIMENSION,)]
    head = Head(*(rng.normal(size=shape).astype(np.float32) for shape in shapes))
    onnx = to_onnx(head, unit_rows(vectors(seed)[:4]))
    return HeadStore(store).put(onnx, SPEC, survey_id=survey_id, recipe_json="{}", metrics={}, created_s=0.0)


def ended_operation(store: Store, organisation: str) -> str:
    """An operation that nothing works on any more."""
    operations = Operations(store, now=lambda: 1.8e9, organisation=organisation)
    operation = operations.begin("at work")
    operation.state = operations_pb2.OPERATION_STATE_SUCCEEDED
    operation.message = f"trained on survey '{organisation}/{COMMON}'"
    operations.put(operation)
    return operation.operation_id
