"""A run of the three services as real processes, seen from outside: what they log, count and trace."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import grpc
import numpy as np
import psutil
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2, trace_service_pb2_grpc
from opentelemetry.proto.trace.v1.trace_pb2 import Span
from prometheus_client import Metric
from prometheus_client.parser import text_string_to_metric_families

from spotted.client import Crop, EmbeddingSpec, Label, Spotted
from spotted.constraints.answers import Answer
from spotted.local import processes
from spotted.survey import Camera, Detection, Survey
from spotted.v1 import sampler_pb2 as pb
from spotted.v1 import scorer_pb2, survey_pb2
from tests.services import forked
from tests.services.embedder.pictures import encoded
from tests.waiting import PATIENCE_S, until

SPEC = EmbeddingSpec(backbone_digest="b", preprocessing_digest="p", dimension=8)
ANNOTATOR = "annotator-zebra"
TOKEN = "spotted_0123abcd_topsecrettopsecrettopsecret"  # noqa: S105 - nobody's
COORDINATES = ("123456.75", "-98765.25", "123956.75", "-98265.25")
DAMAGED = b"\xff\xd8\xffTHESE-ARE-IMAGE-BYTES"
REQUEST_ID = "find-this-call"


@dataclass(frozen=True)
class Seen:
    """Metrics, logs and spans of a run. spans: each with its service."""

    survey_id: str
    logs: dict[str, str]
    exposed: dict[str, str]
    spans: list[tuple[str, Span]]

    @property
    def lines(self) -> list[dict[str, str]]:
        """All log lines."""
        return [json.loads(line) for text in self.logs.values() for line in text.splitlines()]

    def metrics(self) -> Iterator[Metric]:
        """All metrics of all services."""
        for text in self.exposed.values():
            yield from text_string_to_metric_families(text)

    def total(self, role: str, name: str, **labels: str) -> float:
        """The sum of a service's samples of a name with these labels."""
        return sum(
            sample.value
            for metric in text_string_to_metric_families(self.exposed[role])
            for sample in metric.samples
            if sample.name == name and labels.items() <= sample.labels.items()
        )


@dataclass
class Collector(trace_service_pb2_grpc.TraceServiceServicer):
    """Takes spans as an OpenTelemetry collector does."""

    spans: list[tuple[str, Span]] = field(default_factory=list)
    allowed_s: list[float] = field(default_factory=list)
    """Time that each export may take."""

    def Export(  # noqa: N802 - the rpc
        self, request: trace_service_pb2.ExportTraceServiceRequest, context: grpc.ServicerContext
    ) -> trace_service_pb2.ExportTraceServiceResponse:
        """Keep the spans."""
        self.allowed_s.append(context.time_remaining())
        for resource in request.resource_spans:
            attributes = {a.key: a.value.string_value for a in resource.resource.attributes}
            for scope in resource.scope_spans:
                self.spans += [(attributes["service.name"], span) for span in scope.spans]
        return trace_service_pb2.ExportTraceServiceResponse()


@contextmanager
def collecting() -> Iterator[tuple[Collector, str]]:
    """A collector that listens, and its address."""
    collector = Collector()
    server: Any = grpc.server(ThreadPoolExecutor(2))
    add: Any = trace_service_pb2_grpc.add_TraceServiceServicer_to_server
    add(collector, server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    try:
        yield collector, f"http://127.0.0.1:{port}"
    finally:
        server.stop(1.0).wait()


def observe(directory: Path, store_url: str, models: Path, survey_id: str) -> Seen:
    """Start the services, ask them of everything, and stop them."""
    exposed: dict[str, str] = {}
    with collecting() as (collector, endpoint):
        ports = {role: processes.free_port() for role in processes.SERVICES}
        scrape = {role: processes.free_port() for role in processes.SERVICES}
        members = [
            forked.start_service(
                role,
                directory,
                ports[role],
                store_url,
                f"127.0.0.1:{ports['scorer']}",
                {
                    "SPOTTED_MODELS": str(models),
                    "SPOTTED_LOG": "json",
                    "SPOTTED_TRACES": endpoint,
                    "SPOTTED_METRICS_LISTEN": f"127.0.0.1:{scrape[role]}",
                    "OMP_NUM_THREADS": "1",
                },
            )
            for role in processes.SERVICES
        ]
        try:
            for member in members:
                processes.wait(member, directory / f"{member.role}.log")
            with Spotted(**{role: f"127.0.0.1:{port}" for role, port in ports.items()}) as spotted:  # type: ignore[arg-type] # only addresses
                _ask(spotted, survey_id)
                _kill_planner(members[-1])
                _ask_in_raw(spotted, survey_id)
            for role, port in scrape.items():
                with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=PATIENCE_S) as answer:
                    exposed[role] = answer.read().decode()
        finally:
            for member in reversed(members):
                processes.end(member)
    logs = {role: (directory / f"{role}.log").read_text() for role in processes.SERVICES}
    return Seen(survey_id, logs, exposed, collector.spans)


def _ask(spotted: Spotted, survey_id: str) -> None:
    rng = np.random.default_rng(3)
    cameras = {
        f"c{n}": Camera(f"c{n}", float(COORDINATES[2 * n]), float(COORDINATES[2 * n + 1])) for n in (0, 1)
    }
    spotted.create_survey(Survey(survey_id, 0.0, 100_000.0, cameras=cameras))
    detections = [Detection(f"d{n}", f"c{n % 2}", n * 4000.0) for n in range(8)]
    spotted.survey(survey_id).add_detections(detections, rng.normal(size=(8, 8)).astype(np.float32), SPEC)
    good = encoded(rng.integers(0, 255, (64, 64, 3), dtype=np.uint8))
    assert len(list(spotted.embed([Crop("good", good), Crop("bad", DAMAGED)], survey_id=survey_id))) == 2
    answers = spotted.connection.scorer.stub.GetCandidates(
        scorer_pb2.GetCandidatesRequest(survey_id=survey_id, top_k=3), timeout=PATIENCE_S
    )
    assert len(list(answers)) > 0
    spotted.survey(survey_id).create_session("main")
    asked = spotted.survey(survey_id).session("main").next_pairs(ANNOTATOR)
    pair = asked.pairs[0]
    label = Label(pair.first.detection_id, pair.second.detection_id, Answer.SAME, ANNOTATOR)
    spotted.survey(survey_id).session("main").submit_labels([label])


def _kill_planner(sampler: processes.Member) -> None:
    process = sampler.process()
    assert process is not None
    (planner,) = [child for child in process.children() if "spawn_main" in " ".join(child.cmdline())]
    planner.kill()
    # it stays a zombie until the sampler looks
    until(lambda: planner.status() == psutil.STATUS_ZOMBIE, "the planner has ended")


def _ask_in_raw(spotted: Spotted, survey_id: str) -> None:
    """Calls as no client of ours makes them: with a request id, a token, and what is refused."""
    metadata = (("x-request-id", REQUEST_ID), ("authorization", f"Bearer {TOKEN}"))
    spotted.survey(survey_id).create_session("second")
    for asked in (survey_id, "nosuch", TOKEN):
        with suppress(grpc.RpcError):
            request = pb.NextPairsRequest(survey_id=asked, session_id="second", annotator_id=ANNOTATOR)
            spotted.connection.sampler.stub.NextPairs(request, timeout=PATIENCE_S, metadata=metadata)
    camera = survey_pb2.Camera(camera_id="c0", position=survey_pb2.Position(x_m=float(COORDINATES[0])))
    with suppress(grpc.RpcError):
        request_ = scorer_pb2.UpsertCamerasRequest(survey_id=survey_id, cameras=[camera, camera])
        spotted.connection.scorer.stub.UpsertCameras(request_, timeout=PATIENCE_S, metadata=metadata)
