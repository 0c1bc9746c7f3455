from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any

import grpc
import pytest
from google.protobuf.message_factory import GetMessageClass
from grpc import aio
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection, reflection_pb2, reflection_pb2_grpc

from services.common.access.caller import Caller, methods, role_name
from services.common.access.guard import HEADER, Guard, guard_for
from services.common.access.tokens import KNOWN_S, KnownCallers, Tokens
from services.common.server import Service
from services.common.settings import Security, Settings
from services.common.store import keys
from services.common.store.store import Store
from services.scorer.__main__ import service as scorer_service
from spotted.client import Credentials, Spotted
from spotted.client.calls import open_channel, our_errors
from spotted.client.survey_messages import embedding_spec
from spotted.errors import (
    DeadlineError,
    InvalidInputError,
    NotFoundError,
    OverloadedError,
    PermissionDeniedError,
    QuotaError,
    StoreUnavailableError,
    SurveyDamagedError,
    UnauthenticatedError,
)
from spotted.local import processes
from spotted.survey import Camera, Detection, Survey
from spotted.v1 import (
    access_pb2,
    catalogue_pb2_grpc,
    embedder_pb2,
    embedder_pb2_grpc,
    operations_pb2_grpc,
    sampler_pb2,
    sampler_pb2_grpc,
    scorer_pb2,
    scorer_pb2_grpc,
)
from tests.samples import sample
from tests.services.failing import failure_of
from tests.services.journal_entries import break_entry
from tests.services.scorer.planted import CAMERAS, SPEC, add_request, detections, new_survey, vectors
from tests.services.serving import running
from tests.waiting import PATIENCE_S

ROLES = [role for role in access_pb2.Role.values() if role]
RPCS = methods()
# servicers that implement nothing
BARE: tuple[tuple[Any, str], ...] = (
    (embedder_pb2_grpc, "EmbedderService"),
    (operations_pb2_grpc, "OperationsService"),
    (sampler_pb2_grpc, "SamplerService"),
    (scorer_pb2_grpc, "ScorerService"),
    (catalogue_pb2_grpc, "CatalogueService"),
)


@dataclass
class Clock:
    """Seconds as a test sets them."""

    now_s: float = 0.0

    def __call__(self) -> float:
        return self.now_s


@dataclass
class Guarded:
    """A server that checks tokens, and tokens for it."""

    address: str
    tokens: Tokens
    clock: Clock
    opened: ExitStack = field(default_factory=ExitStack)
    received: threading.Event = field(default_factory=threading.Event)
    """Set when a silent service has received the first message of a stream."""

    def token(
        self,
        role: access_pb2.Role.ValueType = access_pb2.ROLE_ADMIN,
        organisation: str = "wcs",
        **more: object,
    ) -> str:
        owner = "" if role == access_pb2.ROLE_SERVICE else organisation
        return self.tokens.create(organisation=owner, role=role, **more)[1]  # type: ignore[arg-type] # by name

    def channel(self, token: str = "") -> grpc.Channel:
        return self.opened.enter_context(open_channel(self.address, Credentials(token)))

    def client(self, role: access_pb2.Role.ValueType = access_pb2.ROLE_ADMIN, **more: object) -> Spotted:
        made = Spotted(
            embedder=self.address,
            scorer=self.address,
            sampler=self.address,
            credentials=Credentials(self.token(role, **more)),  # type: ignore[arg-type] # by name
        )
        return self.opened.enter_context(made)


@pytest.fixture
def guarded(store: Store) -> Iterator[Guarded]:
    """A scorer over the store."""
    yield from _guarded(store, scorer_service(store))


@pytest.fixture
def bare(store: Store) -> Iterator[Guarded]:
    """All services of the contract and those beside it; callers that are let in get UNIMPLEMENTED."""

    def register(server: aio.Server) -> None:
        for module, name in BARE:
            add = getattr(module, f"add_{name}Servicer_to_server")
            add(getattr(module, f"{name}Servicer")(), server)
        health_pb2_grpc.add_HealthServicer_to_server(health.aio.HealthServicer(), server)
        reflection.enable_server_reflection([health.SERVICE_NAME], server)

    yield from _guarded(store, Service("all", register))


@pytest.fixture
def silent(store: Store) -> Iterator[Guarded]:
    """Services whose streams wait for ever after the first message."""

    received = threading.Event()

    async def never(requests: AsyncIterator[object]) -> None:
        async for _ in requests:
            received.set()

    async def progress(_: object, __: object) -> AsyncIterator[sampler_pb2.WatchProgressResponse]:
        yield sampler_pb2.WatchProgressResponse()
        await asyncio.Event().wait()

    async def taken(requests: AsyncIterator[object], _: object) -> None:
        await never(requests)

    async def embedded(
        requests: AsyncIterator[object], _: object
    ) -> AsyncIterator[embedder_pb2.EmbedStreamResponse]:
        await never(requests)
        yield embedder_pb2.EmbedStreamResponse()

    behaviours: dict[str, Any] = {
        "WatchProgress": progress,
        "ImportSession": taken,
        "AddDetections": taken,
        "EmbedStream": embedded,
    }

    def register(server: aio.Server) -> None:
        for module, name in BARE:
            servicer = getattr(module, f"{name}Servicer")()
            for rpc, behaviour in behaviours.items():
                setattr(servicer, rpc, behaviour)
            getattr(module, f"add_{name}Servicer_to_server")(servicer, server)

    for guarded in _guarded(store, Service("silent", register)):
        guarded.received = received
        yield guarded


def _guarded(store: Store, *services: Service) -> Iterator[Guarded]:
    clock, tokens = Clock(), Tokens(store)
    guard = Guard(KnownCallers(tokens, clock=clock), recheck_s=0.01)
    with running(*services, guard=guard) as address, ExitStack() as opened:
        yield Guarded(address, tokens, clock, opened)


def called(channel: grpc.Channel, path: str, header: Sequence[tuple[str, str]] = ()) -> grpc.RpcError:
    """How a call with an empty message fails."""
    method = RPCS[path]
    shape = "_".join("stream" if s else "unary" for s in (method.client_streaming, method.server_streaming))
    message = GetMessageClass(method.input_type)()
    call = getattr(channel, shape)(
        path, request_serializer=type(message).SerializeToString, response_deserializer=bytes
    )

    def answered() -> object:
        answer = call(
            iter([message]) if method.client_streaming else message, timeout=PATIENCE_S, metadata=header
        )
        return list(answer) if method.server_streaming else answer

    with pytest.raises(grpc.RpcError) as caught:
        answered()
    return caught.value


def _raw(channel: grpc.Channel, path: str) -> object:
    call: Any = channel.unary_unary(path)
    return call(b"", timeout=PATIENCE_S)


def survey(survey_id: str) -> Survey:
    return Survey(survey_id, 0.0, 100_000.0, cameras={"c": Camera("c", x_m=12.0, y_m=34.0)})


def test_every_role_may_call_exactly_what_the_contract_gives_it(bare: Guarded) -> None:
    for role in ROLES:
        channel = bare.channel(bare.token(role))
        for path, method in RPCS.items():
            least = method.GetOptions().Extensions[access_pb2.least_role]
            code, reason, message = failure_of(called(channel, path))
            if role >= least:
                assert code is grpc.StatusCode.UNIMPLEMENTED, (role_name(role), path, message)
            else:
                assert (code, reason) == (grpc.StatusCode.PERMISSION_DENIED, "PERMISSION_DENIED"), path
                assert f"role {role_name(least)} or higher, this token has role {role_name(role)}" in message


def test_without_a_token_nothing_of_the_contract_is_served(bare: Guarded) -> None:
    channel = bare.channel()
    failures = {failure_of(called(channel, path)) for path in RPCS}
    assert len(failures) == 1
    code, reason, message = failures.pop()
    assert (code, reason) == (grpc.StatusCode.UNAUTHENTICATED, "UNAUTHENTICATED")
    assert "spotted token create" in message


def received_bytes(path: str) -> float:
    """Bytes of requests that this process has received for an rpc."""
    service, _, method = path.strip("/").partition("/")
    return sample("spotted_rpc_received_bytes_total", service=service, method=method)


@pytest.mark.parametrize("path", RPCS)
def test_nothing_is_received_from_a_caller_without_a_token(bare: Guarded, path: str) -> None:
    before = received_bytes(path)
    shape = "_".join(
        "stream" if streams else "unary"
        for streams in (RPCS[path].client_streaming, RPCS[path].server_streaming)
    )
    call = getattr(bare.channel(), shape)(path)
    content = bytes(1 << 20)
    request = iter([content]) if RPCS[path].client_streaming else content
    with pytest.raises(UnauthenticatedError), our_errors("service"):
        list(call(request, timeout=PATIENCE_S))
    assert received_bytes(path) == before


def test_a_request_that_does_not_arrive_ends_its_call(store: Store) -> None:
    proceed = threading.Event()

    def late() -> Iterator[bytes]:
        proceed.wait(PATIENCE_S)
        yield b""

    with (
        running(scorer_service(store), guard=Guard(None, receive_s=0.01)) as address,
        open_channel(address) as channel,
    ):
        # a unary rpc, called as a stream so that its only request can be late
        call: Any = channel.stream_unary("/spotted.v1.ScorerService/ListSurveys")
        with pytest.raises(DeadlineError, match="did not arrive"), our_errors("scorer"):
            call(late(), timeout=PATIENCE_S)
        proceed.set()


def test_tokens_that_do_not_hold_are_refused_alike(bare: Guarded) -> None:
    revoked, expired = bare.token(), bare.token(expires_s=time.time() - 1)
    bare.tokens.revoke(revoked.split("_")[1])
    unknown = f"spotted_{'0' * 16}_{'a' * 43}"
    for path in ("/spotted.v1.ScorerService/GetSurvey", "/spotted.v1.EmbedderService/EmbedStream"):
        failures = {
            failure_of(called(bare.channel(t), path)) for t in (revoked, expired, unknown, "nonsense")
        }
        assert len(failures) == 1
        code, reason, message = failures.pop()
        assert (code, reason) == (grpc.StatusCode.UNAUTHENTICATED, "UNAUTHENTICATED")
        assert "unknown, revoked or expired" in message


@pytest.mark.parametrize(
    ("header", "code"),
    [
        ("Bearer {}", grpc.StatusCode.UNIMPLEMENTED),
        ("bearer {}", grpc.StatusCode.UNIMPLEMENTED),
        ("BEARER {}", grpc.StatusCode.UNIMPLEMENTED),
        ("{}", grpc.StatusCode.UNAUTHENTICATED),
        ("Basic {}", grpc.StatusCode.UNAUTHENTICATED),
        ("Bearer", grpc.StatusCode.UNAUTHENTICATED),
        ("Bearer {} {}", grpc.StatusCode.UNAUTHENTICATED),
    ],
)
def test_a_token_travels_as_bearer(bare: Guarded, header: str, code: grpc.StatusCode) -> None:
    text = bare.token()
    error = called(
        bare.channel(), "/spotted.v1.ScorerService/GetSurvey", [(HEADER, header.format(text, text))]
    )
    assert failure_of(error)[0] is code
    assert text not in failure_of(error)[2]


def test_health_and_reflection_need_no_token(bare: Guarded) -> None:
    channel = bare.channel()
    stub: Any = health_pb2_grpc.HealthStub(channel)
    checked = stub.Check(health_pb2.HealthCheckRequest(), timeout=PATIENCE_S)
    assert checked.status == health_pb2.HealthCheckResponse.SERVING
    request = reflection_pb2.ServerReflectionRequest(list_services="")
    stub = reflection_pb2_grpc.ServerReflectionStub(channel)
    (answer,) = stub.ServerReflectionInfo(iter([request]), timeout=PATIENCE_S)
    assert [s.name for s in answer.list_services_response.service] == [health.SERVICE_NAME]


def test_what_the_contract_does_not_know_is_not_served(store: Store) -> None:
    async def answer(_: object, __: object) -> bytes:
        return b"secret"

    def register(server: aio.Server) -> None:
        handlers: dict[str, Any] = {"Rpc": grpc.unary_unary_rpc_method_handler(answer)}
        server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("other.Service", handlers),))

    with (
        running(Service("other.Service", register), guard=Guard(KnownCallers(Tokens(store)))) as address,
        grpc.insecure_channel(address) as channel,
        pytest.raises(grpc.RpcError),
    ):
        _raw(channel, "/other.Service/Rpc")


def test_a_revoked_token_is_refused_once_it_is_looked_up_again(guarded: Guarded, survey_id: str) -> None:
    text = guarded.token()
    stub = scorer_pb2_grpc.ScorerServiceStub(guarded.channel(text))
    stub.CreateSurvey(scorer_pb2.CreateSurveyRequest(survey=new_survey(survey_id)), timeout=PATIENCE_S)
    guarded.tokens.revoke(text.split("_")[1])
    guarded.clock.now_s = KNOWN_S - 0.001
    stub.GetSurvey(scorer_pb2.GetSurveyRequest(survey_id=survey_id), timeout=PATIENCE_S)
    guarded.clock.now_s = KNOWN_S
    with pytest.raises(UnauthenticatedError), our_errors("scorer"):
        stub.GetSurvey(scorer_pb2.GetSurveyRequest(survey_id=survey_id), timeout=PATIENCE_S)


def test_a_revoked_token_stores_nothing_more_through_an_open_stream(guarded: Guarded, survey_id: str) -> None:
    guarded.client().create_survey(Survey(survey_id, 0.0, 100_000.0))
    text = guarded.token()
    stub = scorer_pb2_grpc.ScorerServiceStub(guarded.channel(text))

    def blocks() -> Iterator[scorer_pb2.AddDetectionsRequest]:
        for number in range(4):
            yield add_request(survey_id, [Detection(f"d{number}")], vectors(4)[number : number + 1])
            while len(list(guarded.client().survey(survey_id).detections())) <= min(number, 1):
                pass
            if number == 1:
                guarded.tokens.revoke(text.split("_")[1])
                guarded.clock.now_s += KNOWN_S

    with pytest.raises(UnauthenticatedError), our_errors("scorer"):
        stub.AddDetections(blocks(), timeout=60)
    stored = [d.detection_id for d in guarded.client().survey(survey_id).detections()]
    assert stored == ["d0", "d1"]


@pytest.mark.parametrize("path", [path for path, rpc in RPCS.items() if rpc.client_streaming])
def test_a_silent_stream_ends_when_its_token_is_revoked(silent: Guarded, path: str) -> None:
    text = silent.token()
    ended = threading.Event()

    def requests() -> Iterator[bytes]:
        # a first message, after which the caller sends nothing and does not close the stream either
        yield b""
        assert silent.received.wait(60)
        silent.tokens.revoke(text.split("_")[1])
        silent.clock.now_s += KNOWN_S
        ended.wait(60)

    shape = "stream_stream" if RPCS[path].server_streaming else "stream_unary"
    call = getattr(silent.channel(text), shape)(path)
    try:
        with pytest.raises(UnauthenticatedError), our_errors("service"):
            list(call(requests(), timeout=30))
    finally:
        ended.set()


def test_a_stream_of_answers_that_is_silent_ends_when_its_token_is_revoked(silent: Guarded) -> None:
    text = silent.token()
    stub = sampler_pb2_grpc.SamplerServiceStub(silent.channel(text))
    answers = stub.WatchProgress(sampler_pb2.WatchProgressRequest(), timeout=30)
    next(answers)
    silent.tokens.revoke(text.split("_")[1])
    silent.clock.now_s += KNOWN_S
    with pytest.raises(UnauthenticatedError), our_errors("sampler"):
        next(answers)


def test_answers_of_a_stream_need_no_check_of_their_own(store: Store) -> None:
    checks = []

    class Counted(KnownCallers):
        async def caller(self, text: str) -> Caller:
            checks.append(text)
            return await super().caller(text)

    async def progress(_: object, __: object) -> AsyncIterator[sampler_pb2.WatchProgressResponse]:
        for _ in range(50):
            yield sampler_pb2.WatchProgressResponse()

    def register(server: aio.Server) -> None:
        module, name = BARE[2]
        servicer = getattr(module, f"{name}Servicer")()
        servicer.WatchProgress = progress
        sampler_pb2_grpc.add_SamplerServiceServicer_to_server(servicer, server)

    guard = Guard(Counted(Tokens(store)), recheck_s=PATIENCE_S)
    with running(Service("sampler", register), guard=guard) as address, ExitStack() as opened:
        channel = Guarded(address, Tokens(store), Clock(), opened)
        stub = sampler_pb2_grpc.SamplerServiceStub(channel.channel(channel.token()))
        answers = stub.WatchProgress(sampler_pb2.WatchProgressRequest(), timeout=PATIENCE_S)
        assert len(list(answers)) == 50
    assert len(checks) == 1


def test_a_store_that_is_away_lets_nobody_in_and_says_why() -> None:
    away = Store(f"redis://127.0.0.1:{processes.free_port()}/0")
    for guarded in _guarded(away, scorer_service(away)):
        text = f"spotted_{'0' * 16}_{'a' * 43}"
        stub = scorer_pb2_grpc.ScorerServiceStub(grpc.insecure_channel(guarded.address))
        with pytest.raises(StoreUnavailableError), our_errors("scorer"):
            stub.GetSurvey(
                scorer_pb2.GetSurveyRequest(survey_id="s"),
                timeout=PATIENCE_S,
                metadata=((HEADER, f"Bearer {text}"),),
            )
    away.close()


def test_tokens_are_asked_for_if_the_settings_say_so(store: Store, survey_id: str) -> None:
    for tokens, code in ((True, grpc.StatusCode.UNAUTHENTICATED), (False, grpc.StatusCode.NOT_FOUND)):
        guard = guard_for(Settings("", security=Security(tokens=tokens)), store)
        with running(scorer_service(store), guard=guard) as address:
            stub = scorer_pb2_grpc.ScorerServiceStub(grpc.insecure_channel(address))
            with pytest.raises(grpc.RpcError) as caught:
                stub.GetSurvey(scorer_pb2.GetSurveyRequest(survey_id=survey_id), timeout=PATIENCE_S)
        assert failure_of(caught.value)[0] is code


@pytest.mark.parametrize("role", [role for role in ROLES if role != access_pb2.ROLE_SERVICE], ids=role_name)
def test_positions_are_shown_to_who_may_write(
    guarded: Guarded, survey_id: str, role: access_pb2.Role.ValueType
) -> None:
    guarded.client().create_survey(survey(survey_id))
    (camera,) = guarded.client(role).survey(survey_id).cameras()
    assert camera.camera_id == "c"
    places = (None, None) if role < access_pb2.ROLE_WRITE else (12.0, 34.0)
    assert (camera.x_m, camera.y_m) == places


def test_a_service_sees_positions(guarded: Guarded, survey_id: str) -> None:
    guarded.client().create_survey(survey(survey_id))
    (camera,) = guarded.client(access_pb2.ROLE_SERVICE).survey(f"wcs/{survey_id}").cameras()
    assert (camera.x_m, camera.y_m) == (12.0, 34.0)


def test_a_reader_that_leaves_positions_out_changes_nothing_that_is_scored(
    guarded: Guarded, survey_id: str
) -> None:
    client = guarded.client()
    client.create_survey(survey(survey_id))
    before = client.survey(survey_id).info()
    list(guarded.client(access_pb2.ROLE_READ).survey(survey_id).cameras())
    assert client.survey(survey_id).info() == before
    (camera,) = client.survey(survey_id).cameras()
    assert camera.x_m == 12.0


def test_answers_and_errors_speak_the_callers_own_ids(guarded: Guarded, survey_id: str) -> None:
    client = guarded.client()
    made = client.create_survey(survey(survey_id))
    assert made.survey_id == survey_id
    assert survey_id in [s.survey_id for s in client.surveys()]
    with pytest.raises(NotFoundError, match="survey 'missing'") as missing:
        client.survey("missing").info()
    with pytest.raises(NotFoundError) as unknown:
        client.survey(survey_id).score_pairs([("a", "b")])
    for caught in (missing, unknown):
        assert "wcs" not in str(caught.value)
    answer = client.survey(survey_id).add_detections(
        [Detection("d", "nowhere", 1.0)], vectors(1), embedding_spec(SPEC)
    )
    (rejected,) = answer.rejected
    assert f"which is not in survey {survey_id!r}" in rejected.message
    assert answer.survey.survey_id == survey_id


def test_a_token_for_some_surveys_lists_no_others(guarded: Guarded, survey_id: str) -> None:
    client = guarded.client()
    for suffix in ("-a", "-b", ""):
        client.create_survey(survey(survey_id + suffix))
    some = guarded.client(surveys=[f"{survey_id}-*"])
    assert [s.survey_id for s in some.surveys()] == [f"{survey_id}-a", f"{survey_id}-b"]
    with pytest.raises(PermissionDeniedError, match=r"is valid for .*, but not for survey") as caught:
        some.survey(survey_id).info()
    with pytest.raises(PermissionDeniedError) as missing:
        some.survey("missing").info()
    assert str(caught.value).replace(survey_id, "missing") == str(missing.value).replace(survey_id, "missing")
    with pytest.raises(PermissionDeniedError):
        some.create_survey(survey(f"{survey_id}.new"))


def test_an_id_of_another_organisation_is_refused_by_its_form(guarded: Guarded, survey_id: str) -> None:
    guarded.client(organisation="other").create_survey(survey(survey_id))
    with pytest.raises(InvalidInputError, match="survey_id is") as caught:
        guarded.client().survey(f"other/{survey_id}").info()
    assert caught.value.field == "survey_id"


def test_calls_that_come_too_fast_learn_when_to_return(guarded: Guarded) -> None:
    stub = scorer_pb2_grpc.ScorerServiceStub(
        guarded.channel(guarded.token(quota=access_pb2.Quota(calls_per_second=0.001)))
    )
    stub.ListSurveys(scorer_pb2.ListSurveysRequest(), timeout=PATIENCE_S)
    with pytest.raises(OverloadedError, match=r"0.001 calls per second") as caught, our_errors("scorer"):
        stub.ListSurveys(scorer_pb2.ListSurveysRequest(), timeout=PATIENCE_S)
    assert 900 < caught.value.retry_after_s <= 1000
    guarded.client().surveys()


def test_each_message_of_a_stream_counts_and_what_came_before_is_kept(
    guarded: Guarded, survey_id: str
) -> None:
    guarded.client().create_survey(Survey(survey_id, 0.0, 100_000.0))
    stub = scorer_pb2_grpc.ScorerServiceStub(
        guarded.channel(guarded.token(quota=access_pb2.Quota(calls_per_second=1.0)))
    )
    blocks = (add_request(survey_id, [Detection(f"d{i}")], vectors(9)[i : i + 1]) for i in range(9))
    with pytest.raises(OverloadedError), our_errors("scorer"):
        stub.AddDetections(blocks, timeout=PATIENCE_S)
    assert len(list(guarded.client().survey(survey_id).detections())) == 2


def test_a_message_too_large_is_refused_also_within_a_stream(guarded: Guarded, survey_id: str) -> None:
    guarded.client().create_survey(Survey(survey_id, 0.0, 100_000.0))
    stub = scorer_pb2_grpc.ScorerServiceStub(
        guarded.channel(guarded.token(quota=access_pb2.Quota(message_bytes=500)))
    )
    small = add_request(survey_id, [Detection("small")], vectors(1))
    large = add_request(survey_id, [Detection("large", image_uri="x" * 500)], vectors(1))
    with pytest.raises(QuotaError, match="this token allows 500"), our_errors("scorer"):
        stub.AddDetections(iter([small, large]), timeout=PATIENCE_S)
    assert [d.detection_id for d in guarded.client().survey(survey_id).detections()] == ["small"]


def test_an_image_too_large_is_refused_before_anything_looks_at_it(bare: Guarded) -> None:
    text = bare.token(quota=access_pb2.Quota(image_bytes=10))
    stub = embedder_pb2_grpc.EmbedderServiceStub(bare.channel(text))
    fits, large = embedder_pb2.Crop(image=b"x" * 10), embedder_pb2.Crop(image=b"x" * 11)
    with pytest.raises(QuotaError, match="an image has 11 bytes"), our_errors("embedder"):
        stub.Embed(embedder_pb2.EmbedRequest(crops=[fits, large]), timeout=PATIENCE_S)
    with pytest.raises(grpc.RpcError) as caught:
        stub.Embed(embedder_pb2.EmbedRequest(crops=[fits]), timeout=PATIENCE_S)
    assert failure_of(caught.value)[0] is grpc.StatusCode.UNIMPLEMENTED


def test_surveys_are_counted_for_the_organisation_and_a_repeat_does_not_count(guarded: Guarded) -> None:
    quota = access_pb2.Quota(surveys=2)
    own = guarded.client(organisation="counted", quota=quota)
    guarded.client(organisation="counted").create_survey(survey("made-by-another-token"))
    own.create_survey(survey("second"))
    own.create_survey(survey("second"))
    with pytest.raises(QuotaError, match="the organisation would have 3 surveys, this token allows 2"):
        own.create_survey(survey("third"))
    assert "third" not in [s.survey_id for s in own.surveys()]
    own.survey("second").delete()
    own.create_survey(survey("third"))
    guarded.client(organisation="counted-2", quota=quota).create_survey(survey("third"))


def test_detections_are_counted_in_each_survey(guarded: Guarded, survey_id: str) -> None:
    few = guarded.client(quota=access_pb2.Quota(detections=5))
    for one in (survey_id, f"{survey_id}-2"):
        made = few.create_survey(Survey(one, 0.0, 1e10, cameras={c.camera_id: c for c in CAMERAS}))
        made.add_detections(detections(5), vectors(5), embedding_spec(SPEC))
        assert made.add_detections(detections(5), vectors(5), embedding_spec(SPEC)).unchanged == 5
    with pytest.raises(
        QuotaError, match=f"survey '{survey_id}' would have 6 detections, this token allows 5"
    ):
        few.survey(survey_id).add_detections(detections(6), vectors(6), embedding_spec(SPEC))
    assert few.survey(survey_id).info().detection_count == 5
    anyone = guarded.client().survey(survey_id)
    assert anyone.add_detections([Detection("one-more")], vectors(1), embedding_spec(SPEC)).added == 1


def test_who_calls_is_forgotten_after_the_call(guarded: Guarded, survey_id: str) -> None:
    first, second = guarded.client(organisation="first"), guarded.client(organisation="second")
    for _ in range(3):
        for client, name in ((first, "one"), (second, "two")):
            client.create_survey(Survey(survey_id, 0.0, 100_000.0, name))
            assert client.survey(survey_id).info().display_name == name
    stored = first.survey(survey_id).info()
    assert (stored.end_s, stored.embedding) == (100_000.0, None)


def test_the_damage_of_a_survey_names_it_as_its_organisation_does(
    guarded: Guarded, store: Store, survey_id: str
) -> None:
    client = guarded.client(organisation="damaged")
    client.create_survey(Survey(survey_id, 0.0, 100_000.0))
    break_entry(store, keys.survey_journal(f"damaged/{survey_id}"), 0, "a bit is flipped")
    (listed,) = client.surveys()
    assert listed.survey_id == survey_id
    assert listed.damage.startswith(f"survey {survey_id!r} is damaged at event 1 ")
    with pytest.raises(SurveyDamagedError, match=f"^survey {survey_id!r} is damaged"):
        client.survey(survey_id).info()
