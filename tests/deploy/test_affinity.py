"""The component `affinity`, as the cluster renders it and as a real Envoy runs it."""

from __future__ import annotations

import os
import socket
import subprocess
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc
import pytest
import yaml

from services.upkeep.certificates import Signed, create_authority, issue
from spotted.local import processes
from tests.deploy.rendered import (
    KUBERNETES,
    Object,
    containers,
    mebibytes,
    named,
    pod_template,
    schema_fault,
    tool,
    with_components,
)
from tests.waiting import PATIENCE_S, until

COMPONENT = KUBERNETES / "components" / "affinity"
REPLICAS = 3
# a connection beyond the limit is closed as soon as it is accepted
CLOSED_WITHIN_S = 2.0
SURVEYS = [f"wcs/kenya-{year}" for year in range(1990, 2020)]


class Answers(grpc.GenericRpcHandler):
    """Answers every unary call with the same bytes."""

    def __init__(self, answer: bytes) -> None:
        self._handler: grpc.RpcMethodHandler[bytes, bytes] = grpc.unary_unary_rpc_method_handler(
            lambda _request, _context: answer
        )

    def service(self, _details: grpc.HandlerCallDetails) -> grpc.RpcMethodHandler[bytes, bytes]:
        return self._handler


@dataclass
class Front:
    """A running Envoy: a channel to it, and the servers behind it by what they answer."""

    channel: grpc.Channel
    servers: dict[str, grpc.Server]
    path: Path
    """Its configuration."""

    def answer(self, service: str, survey_id: str | None) -> str:
        """The replica that answers a call."""
        call = unary(self.channel, f"/spotted.v1.{service}/Any")
        metadata = () if survey_id is None else (("x-spotted-survey", survey_id),)
        return call(b"", metadata=metadata, timeout=PATIENCE_S, wait_for_ready=True).decode()


def unary(channel: grpc.Channel, method: str) -> grpc.UnaryUnaryMultiCallable[bytes, bytes]:
    """A call of bytes."""
    return channel.unary_unary(method)


def serve(answer: str, signed: Signed) -> tuple[grpc.Server, int]:
    server = grpc.server(ThreadPoolExecutor(2))
    server.add_generic_rpc_handlers((Answers(answer.encode()),))
    credentials = grpc.ssl_server_credentials([(signed.key, signed.certificate)])
    port = server.add_secure_port("127.0.0.1:0", credentials)
    server.start()
    return server, port


def configuration(directory: Path, port: int, backends: Mapping[str, list[int]]) -> Path:
    """The component's files with this machine's paths and addresses."""
    for called in ("certificate.yaml", "authority.yaml", "envoy.yaml"):
        text = (COMPONENT / called).read_text()
        text = text.replace("/etc/envoy", str(directory)).replace("/etc/spotted/tls", str(directory))
        (directory / called).write_text(text)
    path = directory / "envoy.yaml"
    parsed: dict[str, Any] = yaml.safe_load(path.read_text())
    resources = parsed["static_resources"]
    resources["listeners"][0]["address"]["socket_address"] = {"address": "127.0.0.1", "port_value": port}
    for cluster in resources["clusters"]:
        (group,) = cluster["load_assignment"]["endpoints"]
        group["lb_endpoints"] = [
            {"endpoint": {"address": {"socket_address": {"address": "127.0.0.1", "port_value": backend}}}}
            for backend in backends[cluster["name"]]
        ]
    parsed["admin"]["address"]["socket_address"]["port_value"] = 0
    path.write_text(yaml.safe_dump(parsed))
    return path


@contextmanager
def envoy(path: Path) -> Iterator[None]:
    """A running Envoy with a configuration."""
    with path.with_suffix(".log").open("wb") as log:
        process = subprocess.Popen(
            [tool("envoy"), "--config-path", str(path), "--disable-hot-restart", "--concurrency", "1"],
            stdout=log,
            stderr=log,
            env={"PATH": os.environ["PATH"]},
        )
    yield
    process.terminate()
    process.wait(PATIENCE_S)


@pytest.fixture(scope="module")
def front(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Front]:
    directory = tmp_path_factory.mktemp("envoy")
    signer = create_authority(days=1)
    services = ("embedder", "scorer", "sampler")
    signed = issue(signer, ("localhost", *(f"spotted-{service}" for service in services)), days=1)
    for called, content in (
        ("tls.crt", signed.certificate),
        ("tls.key", signed.key),
        ("ca.crt", signer.certificate),
    ):
        (directory / called).write_bytes(content)
    running = {
        f"{service} {replica}": serve(f"{service} {replica}", signed)
        for service in services
        for replica in range(REPLICAS)
    }
    backends = {
        service: [port for key, (_, port) in running.items() if service in key] for service in services
    }
    port = processes.free_port()
    path = configuration(directory, port, backends)
    credentials = grpc.ssl_channel_credentials(signer.certificate)
    with envoy(path), grpc.secure_channel(f"localhost:{port}", credentials) as channel:
        yield Front(channel, {key: server for key, (server, _) in running.items()}, path)
    for server, _ in running.values():
        server.stop(None).wait()


@pytest.mark.parametrize("service", ["ScorerService", "CatalogueService", "SamplerService"])
def test_calls_of_one_survey_go_to_one_replica_and_surveys_to_all(front: Front, service: str) -> None:
    first = {survey_id: front.answer(service, survey_id) for survey_id in SURVEYS}
    again = {survey_id: front.answer(service, survey_id) for survey_id in SURVEYS}
    assert again == first
    role = "sampler" if service == "SamplerService" else "scorer"
    assert set(first.values()) == {f"{role} {replica}" for replica in range(REPLICAS)}


@pytest.mark.parametrize("service", ["ScorerService", "EmbedderService", "OperationsService"])
def test_calls_that_name_no_survey_are_shared_out(front: Front, service: str) -> None:
    role = "scorer" if service == "ScorerService" else "embedder"
    answers = {front.answer(service, None) for _ in range(60)}
    assert answers == {f"{role} {replica}" for replica in range(REPLICAS)}


def test_what_is_not_ours_has_no_route(front: Front) -> None:
    call = unary(front.channel, "/grpc.health.v1.Health/Check")
    with pytest.raises(grpc.RpcError) as refused:
        call(b"", timeout=PATIENCE_S)
    assert refused.value.code() == grpc.StatusCode.UNIMPLEMENTED


def test_connections_are_limited(front: Front) -> None:
    limited: dict[str, Any] = yaml.safe_load(front.path.read_text())
    port = processes.free_port()
    (listener,) = limited["static_resources"]["listeners"]
    listener["address"]["socket_address"]["port_value"] = port
    (connections,) = [
        monitor["typed_config"]
        for monitor in limited["overload_manager"]["resource_monitors"]
        if monitor["name"].endswith("max_connections")
    ]
    assert connections["max_active_downstream_connections"] == 1000
    connections["max_active_downstream_connections"] = 2
    path = front.path.with_name("limited.yaml")
    path.write_text(yaml.safe_dump(limited))
    with envoy(path), ExitStack() as opened:
        until(lambda: kept(port, opened), "Envoy takes a connection")
        assert kept(port, opened)
        assert not kept(port, opened)


def kept(port: int, opened: ExitStack) -> bool:
    """Whether a new connection, held until the stack closes, is not closed at once."""
    try:
        connection = opened.enter_context(socket.create_connection(("127.0.0.1", port), PATIENCE_S))
    except ConnectionRefusedError:
        return False
    connection.settimeout(CLOSED_WITHIN_S)
    try:
        return connection.recv(1) != b""
    except TimeoutError:
        return True


def test_where_a_replica_goes_its_surveys_move_and_no_others(front: Front) -> None:
    before = {survey_id: front.answer("ScorerService", survey_id) for survey_id in SURVEYS}
    front.servers["scorer 1"].stop(None).wait()
    after = {survey_id: front.answer("ScorerService", survey_id) for survey_id in SURVEYS}
    moved = {survey_id for survey_id in SURVEYS if after[survey_id] != before[survey_id]}
    assert moved == {survey_id for survey_id, replica in before.items() if replica == "scorer 1"}
    assert moved


@pytest.fixture(scope="module")
def rendered(tmp_path_factory: pytest.TempPathFactory) -> tuple[Object, ...]:
    """The overlay `cpu` with both components."""
    return with_components(tmp_path_factory.mktemp("overlay"), "cpu", "affinity", "cert-manager")


def test_the_components_add_to_an_overlay_what_its_schema_allows(rendered: tuple[Object, ...]) -> None:
    for each in rendered:
        if each["apiVersion"].startswith("cert-manager.io/"):
            continue
        if "affinity" in each["metadata"]["name"]:
            assert schema_fault(each, "1.37") == ""


def test_envoy_is_as_restricted_as_the_services(rendered: tuple[Object, ...]) -> None:
    deployment = named(rendered, "Deployment", "spotted-affinity")
    assert pod_template(deployment)["spec"]["securityContext"]["runAsNonRoot"] is True
    (container,) = [c for workload, c in containers(rendered) if workload is deployment]
    assert container["securityContext"]["readOnlyRootFilesystem"] is True
    # its heap stays below the container's limit, with 64 MiB for threads and code
    config: dict[str, Any] = yaml.safe_load((COMPONENT / "envoy.yaml").read_text())
    heap = config["overload_manager"]["resource_monitors"][0]["typed_config"]["max_heap_size_bytes"]
    assert heap / 2**20 + 64 <= mebibytes(container["resources"]["limits"]["memory"])


def test_the_certificate_holds_every_name_that_is_called(rendered: tuple[Object, ...]) -> None:
    certificate = named(rendered, "Certificate", "spotted-tls")["spec"]
    services = {each["metadata"]["name"] for each in rendered if each["kind"] == "Service"}
    assert services <= set(certificate["dnsNames"])
    assert certificate["secretName"] == "spotted-tls"
    issuers = {each["metadata"]["name"] for each in rendered if each["kind"] == "Issuer"}
    assert certificate["issuerRef"]["name"] in issuers
