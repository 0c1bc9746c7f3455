"""Waits of annotators while rounds are planned: `python -m benchmarks.sampler`.

A store, a scorer and a sampler as processes of their own; annotators who know the true animals ask, think and
answer in a closed loop, and each makes as many bare durable writes to the same store. Then a session of many
labels is opened by a fresh sampler. Results go to out/benchmarks/sampler_service.json; exits 1 if a bar is
missed.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median, quantiles

import psutil
import redis

from benchmarks.common import report
from benchmarks.common.drawn_survey import drawn, fill, usual_params
from benchmarks.common.report import Bar
from benchmarks.sampler.annotators import BARE, CALL_TIMEOUT_S, Annotator, Place, Taken, answered
from benchmarks.sampler.journal import LongSession, refreshes_s
from services.common import process
from services.common.store.store import Store
from services.sampler.scorer_client import ScorerClient
from services.sampler.session.sessions import Sessions
from spotted.client.calls import open_channel
from spotted.local.processes import Member, end, free_port, start_service, start_store, wait
from spotted.v1 import sampler_pb2 as pb
from spotted.v1 import scorer_pb2_grpc
from spotted.v1.sampler_pb2_grpc import SamplerServiceStub
from spotted.v1.session_facts_pb2 import KNOWN_INDIVIDUALS_IGNORED

DIMENSION = 128
MS = 1e3
POLL_S = 0.2
# questions put to the sampler that opened a long session
TURNS = 50
TRUSTS = {"verified": pb.TRUST_VERIFIED, "single": pb.TRUST_SINGLE}


@dataclass(frozen=True, slots=True)
class Load:
    """Size of the load."""

    detections: int
    annotators: int
    seconds: float
    think_s: float
    labels: int


class Services:
    """A store and a scorer, and samplers that come and go. Use `serving`."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._members: list[Member] = []
        store = self._started(start_store(directory, free_port()))
        self.store_url = f"redis://{store.address}/0"
        self.scorer = self._started(
            start_service("scorer", directory, free_port(), self.store_url, "", {})
        ).address

    @contextmanager
    def sampler(self) -> Iterator[Member]:
        """A fresh sampler."""
        port = free_port()
        member = start_service("sampler", self._directory, port, self.store_url, self.scorer, {})
        try:
            yield self._started(member)
        finally:
            end(member)

    @contextmanager
    def sessions(self) -> Iterator[Sessions]:
        """The sessions of the store, in this process."""
        store, scorer = Store(self.store_url), ScorerClient(self.scorer)
        try:
            yield Sessions(store, scorer, now=process.now)
        finally:
            scorer.close()
            store.close()

    def close(self) -> None:
        """End the scorer and the store."""
        for member in reversed(self._members):
            end(member)

    def _started(self, member: Member) -> Member:
        if member.role != "sampler":
            self._members.append(member)
        wait(member, self._directory / f"{member.role}.log")
        return member


@contextmanager
def serving() -> Iterator[Services]:
    """A store with nothing in it and a scorer; both end with the context."""
    with tempfile.TemporaryDirectory(prefix="spotted-benchmark-") as name:
        services = Services(Path(name))
        try:
            yield services
        finally:
            services.close()


def annotate(
    services: Services, survey_id: str, trust: str, animal_of: Mapping[str, int], load: Load
) -> tuple[dict[str, object], list[Bar]]:
    """One session under load: latencies in ms, plans in s, memory in MiB, bytes of the store."""
    session = _session(survey_id, f"answered-{trust}", TRUSTS[trust])
    began = os.getloadavg()[0]
    with services.sampler() as sampler, redis.Redis.from_url(services.store_url) as store:
        place = Place(survey_id, session.session_id, sampler.address, services.store_url)
        with open_channel(sampler.address) as channel:
            SamplerServiceStub(channel).CreateSession(pb.CreateSessionRequest(session=session))
        store.delete(BARE)
        held = store.info("memory")["used_memory"]
        first_s, taken = answered(
            place, animal_of, annotators=load.annotators, seconds=load.seconds, think_s=load.think_s
        )
        grown = store.info("memory")["used_memory"] - held - (store.memory_usage(BARE) or 0)
        with services.sessions() as sessions:
            events = sessions.events(survey_id, session.session_id)
        memory = peaks_mib(sampler)
    rounds = [event.ByteSize() for event in events if event.HasField("planned")]
    answers = max(1, len(taken.submit_labels))
    found = {
        "answers": len(taken.submit_labels),
        "answers_a_second": len(taken.submit_labels) / load.seconds,
        "unasked": taken.unasked,
        "load_average": [began, os.getloadavg()[0]],
        "first_question_s": first_s,
        "refreshes_s": refreshes_s(events),
        "next_pairs_ms": spread_ms(taken.next_pairs),
        "submit_labels_ms": spread_ms(taken.submit_labels),
        "bare_write_ms": spread_ms(taken.bare),
        "empty_call_ms": spread_ms(taken.empty),
        "peak_mib": memory,
        "store_bytes_a_round": rounds,
        "store_bytes_an_answer": (grown - sum(rounds)) / answers,
    }
    return found, _bars(trust, spread_ms(taken.next_pairs), taken, memory)


def opening(
    services: Services, survey_id: str, animal_of: Mapping[str, int], load: Load
) -> tuple[dict[str, object], list[Bar]]:
    """A long session in a fresh sampler: seconds to its progress, then to a question."""
    session = _session(survey_id, f"long-{load.labels}", pb.TRUST_VERIFIED)
    with services.sessions() as sessions, redis.Redis.from_url(services.store_url) as store:
        events = LongSession(sessions, session, animal_of).write(store, load.labels)
    with services.sampler() as sampler, open_channel(sampler.address) as channel:
        stub = SamplerServiceStub(channel)
        started_s = time.perf_counter()
        asked = pb.GetProgressRequest(survey_id=survey_id, session_id=session.session_id)
        response = stub.GetProgress(asked, timeout=CALL_TIMEOUT_S)
        progress_s = time.perf_counter() - started_s
        place = Place(survey_id, session.session_id, sampler.address, services.store_url)
        annotator = Annotator(place, "annotator-0", animal_of)
        for _ in range(TURNS):
            annotator.asked()
        annotator.close()
        replanned_s = _replanned_s(stub, session, events)
        memory = peaks_mib(sampler)
    first_s, *others_s = annotator.taken.next_pairs
    found = {
        "labels": load.labels,
        "events": events,
        "first_progress_s": progress_s,
        "first_question_s": first_s,
        "next_pairs_ms": spread_ms(others_s),
        "refresh_s": replanned_s,
        "peak_mib": memory,
        "progress": response.progress.summary,
    }
    words = f"opening a session of {load.labels} labels, seconds to its progress and a question"
    return found, [Bar(words, progress_s + first_s, most=10.0), _memory_bar("of it", memory)]


def spread_ms(seconds: Sequence[float]) -> dict[str, float]:
    """Median, 99th percentile and maximum."""
    if len(seconds) < 2:  # noqa: PLR2004 - quantiles need two
        return {}
    return {"p50": median(seconds) * MS, "p99": quantiles(seconds, n=100)[98] * MS, "max": max(seconds) * MS}


def peaks_mib(sampler: Member) -> dict[str, float]:
    """Peak memory of a sampler and each of its planning processes."""
    parent = psutil.Process(sampler.pid)
    planning = max((_peak_mib(child.pid) for child in parent.children()), default=0.0)
    return {"sampler": _peak_mib(parent.pid), "planning": planning}


def main() -> int:
    """Measure, write and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.sampler", description=__doc__)
    parser.add_argument(
        "--quick", action="store_true", help="500 detections for a few seconds; always exits with 0"
    )
    parser.add_argument("--detections", type=int, default=50_000)
    parser.add_argument("--annotators", type=int, default=8)
    parser.add_argument(
        "--seconds", type=float, default=60.0, help="seconds of answering for each level of trust"
    )
    parser.add_argument(
        "--think", type=float, default=0.2, help="seconds of thought per answer; people take ten"
    )
    parser.add_argument(
        "--labels", type=int, default=100_000, help="labels of the long session that is opened"
    )
    given = parser.parse_args()
    load = Load(given.detections, given.annotators, given.seconds, given.think, given.labels)
    if given.quick:
        load = Load(500, 4, 1.0, 0.05, 1000)
    results, bars = measured(load)
    print(report.write("sampler_service-quick" if given.quick else "sampler_service", results, bars))
    failed = report.judge(bars)
    return 0 if given.quick else failed


def measured(load: Load) -> tuple[dict[str, object], list[Bar]]:
    """All figures and bars of one survey."""
    known = drawn(usual_params(load.detections), DIMENSION)
    survey_id = known.survey.survey_id
    animal_of = {one.detection_id: a for one, a in zip(known.detections, known.animals, strict=True)}
    results: dict[str, object] = {"load": asdict(load), "detections": len(animal_of), "dimension": DIMENSION}
    bars: list[Bar] = []
    with serving() as services:
        with open_channel(services.scorer) as channel:
            fill(scorer_pb2_grpc.ScorerServiceStub(channel), known)
        for trust in TRUSTS:
            results[trust], held = annotate(services, survey_id, trust, animal_of, load)
            bars += held
            print(trust, results[trust], flush=True)
        results["opening"], held = opening(services, survey_id, animal_of, load)
        print("opening", results["opening"], flush=True)
    return results, [*bars, *held]


def _replanned_s(stub: SamplerServiceStub, session: pb.Session, events: int) -> float:
    """Seconds until a session has more events than this, which only a plan in the background adds."""
    request = pb.GetSessionRequest(survey_id=session.survey_id, session_id=session.session_id)
    started_s = time.perf_counter()
    while stub.GetSession(request, timeout=CALL_TIMEOUT_S).session.position <= events:
        if time.perf_counter() - started_s > CALL_TIMEOUT_S:
            raise TimeoutError(f"no round of {session.session_id} was planned in {CALL_TIMEOUT_S:.0f} s")
        time.sleep(POLL_S)
    return time.perf_counter() - started_s


def _session(survey_id: str, session_id: str, trust: pb.Trust.ValueType) -> pb.Session:
    strategy = pb.StrategySettings(strategy_id="learned")
    return pb.Session(
        session_id=session_id,
        survey_id=survey_id,
        trust=trust,
        strategy=strategy,
        known_individuals=KNOWN_INDIVIDUALS_IGNORED,
    )


def _bars(trust: str, asked: Mapping[str, float], taken: Taken, memory: Mapping[str, float]) -> list[Bar]:
    ratio = spread_ms(taken.submit_labels)["p99"] / spread_ms(taken.bare)["p99"]
    return [
        Bar(f"p99 of NextPairs with trust {trust}, ms", asked["p99"], most=10.0),
        Bar(f"p99 of SubmitLabels with trust {trust} over that of a bare write", ratio, most=4.0),
        _memory_bar(f"with trust {trust}", memory),
    ]


def _memory_bar(words: str, memory: Mapping[str, float]) -> Bar:
    return Bar(f"peak memory of one process {words}, MiB", max(memory.values()), most=1536.0)


def _peak_mib(pid: int) -> float:
    status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    return float(status.split("VmHWM:")[1].split()[0]) / 1024.0
