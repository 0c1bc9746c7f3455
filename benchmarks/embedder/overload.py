"""Four times more calls than the embedder can answer: calls answered, calls refused, and memory.

    python -m benchmarks.embedder.overload [--quick] [--seconds 60]

Calls are sent at their times whether or not earlier ones were answered. The client has a core of its own, as
its callers' machines have. Results go to
out/benchmarks/overload.json (overload-quick.json); exits 1 if a bar is missed.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from statistics import mean, median
from typing import Any

import grpc
from google.rpc import error_details_pb2
from grpc import aio
from grpc_status import rpc_status

from benchmarks.common import report
from benchmarks.common.crops import jpeg_crops
from benchmarks.common.models import VIT_TINY
from benchmarks.common.own_cores import Split, client_apart
from benchmarks.common.report import Bar
from benchmarks.common.servers import Serving, embedder
from benchmarks.embedder.loads import Client
from spotted.training.networks import LITE0
from spotted.v1 import embedder_pb2 as pb

TIMES = 4.0
# calls offered at least, in queues: a short run on a slow machine fills the queue too
FILLS = 4.0
# keeps every worker in full batches, and is far from filling the queue
CLOSED_LOOP = 32
# a call that takes longer is of no use to its caller
DEADLINE_S = 30.0
MEMORY_EVERY_S = 0.25
# the queue fills in this share of the time, and memory with it; what follows counts
SETTLING = 0.25
LEAST_GOODPUT = 0.9
MOST_GROWTH_MIB = 50.0
QUICK_S, FULL_S, PEAK_SHARE = 2.0, 60.0, 1 / 3
# of the smoke run, which also runs on busy machines
QUICK_DEADLINE_S = 300.0


@dataclass(slots=True)
class Overload:
    """Outcomes of the calls of one open-loop run against an embedder."""

    client: Client
    serving: Serving
    crops: Sequence[bytes]
    deadline_s: float = DEADLINE_S
    started_s: float = 0.0
    # seconds from the start, and seconds that the call took
    answered: list[tuple[float, float]] = field(default_factory=list)
    refusals: Counter[str] = field(default_factory=Counter)
    delays_s: list[float] = field(default_factory=list)
    # seconds from the start, and the server's memory in MiB
    resident: list[tuple[float, float]] = field(default_factory=list)

    async def offer(self, per_s: float, seconds: float) -> None:
        """Send calls at a constant rate for a time, and wait until all are answered or refused."""
        self.started_s = time.perf_counter()
        watching = asyncio.create_task(self._watch())
        async with asyncio.TaskGroup() as calls:
            for i in range(round(per_s * seconds)):
                await asyncio.sleep(max(0.0, i / per_s - self._now_s()))
                calls.create_task(self._call(self.crops[i % len(self.crops)]))
        watching.cancel()

    def goodput_per_s(self, seconds: float) -> float:
        """Calls answered a second, from when the queue had settled until the offering ended."""
        settled_s = SETTLING * seconds
        return sum(settled_s <= at < seconds for at, _ in self.answered) / (seconds - settled_s)

    @property
    def most_held(self) -> int:
        """The most calls held at one time: sent and later answered, not on their way to a refusal."""
        sent = [(at - took, 1) for at, took in self.answered]
        left = [(at, -1) for at, _ in self.answered]
        return max(itertools.accumulate(change for _, change in sorted(sent + left)), default=0)

    def growth_mib(self, seconds: float) -> float:
        """The memory of the last quarter of the run over that of the quarter after it settled, means."""
        first = [mib for at, mib in self.resident if SETTLING <= at / seconds < 2 * SETTLING]
        last = [mib for at, mib in self.resident if 1 - SETTLING <= at / seconds < 1]
        return mean(last) - mean(first)

    def _now_s(self) -> float:
        return time.perf_counter() - self.started_s

    async def _call(self, content: bytes) -> None:
        request, sent_s = pb.EmbedRequest(crops=[pb.Crop(image=content)]), self._now_s()
        try:
            response = await self.client.stub.Embed(request, timeout=self.deadline_s)
        except aio.AioRpcError as error:
            self._refused(error)
        else:
            if response.results[0].WhichOneof("outcome") == "embedding":
                self.answered.append((self._now_s(), self._now_s() - sent_s))
            else:
                self.refusals["a good crop failed"] += 1

    def _refused(self, error: aio.AioRpcError) -> None:
        code = error.code()
        expected = code is grpc.StatusCode.RESOURCE_EXHAUSTED
        self.refusals[code.name if expected else f"{code.name}: {error.details()}"] += 1
        status = rpc_status.from_call(error)  # type: ignore[arg-type] # the stubs know only blocking calls
        retry = error_details_pb2.RetryInfo()
        for packed in status.details if status else ():
            if packed.Is(retry.DESCRIPTOR):
                packed.Unpack(retry)
        self.delays_s.append(retry.retry_delay.ToNanoseconds() / 1e9)

    async def _watch(self) -> None:
        while True:
            self.resident.append((self._now_s(), self.serving.resident_mib))
            await asyncio.sleep(MEMORY_EVERY_S)


def peak_per_s(client: Client, crops: Sequence[bytes], seconds: float) -> float:
    """Calls answered a second with as many in flight as keep the embedder busy."""
    started_s = time.perf_counter()

    def while_time_lasts() -> Iterator[bytes]:
        return itertools.takewhile(
            lambda _: time.perf_counter() - started_s < seconds, itertools.cycle(crops)
        )

    answered = client.unary(while_time_lasts(), CLOSED_LOOP)
    return len(answered) / (time.perf_counter() - started_s)


def measure(
    model_id: str, seconds: float, deadline_s: float = DEADLINE_S
) -> tuple[dict[str, Any], list[Bar]]:
    """Overload one embedder. The peak is the mean of one measured before and one after."""
    crops = jpeg_crops(64)
    with (
        client_apart() as split,
        embedder(model_id, workers=split.server_cores) as serving,
        _client(split, serving.address) as client,
    ):
        room = client.server_info().max_queue_crops
        client.unary(crops, CLOSED_LOOP)
        before_per_s = peak_per_s(client, crops, seconds * PEAK_SHARE)
        offered_per_s = max(TIMES * before_per_s, FILLS * room / seconds)
        overload = Overload(client, serving, crops, deadline_s)
        client.runner.run(overload.offer(offered_per_s, seconds))
        after_per_s = peak_per_s(client, crops, seconds * PEAK_SHARE)
    peaks = (before_per_s, after_per_s)
    found = {
        "client_apart_by": split.means,
        "server_cores": split.server_cores,
        "peaks_per_s": peaks,
        "offered_per_s": offered_per_s,
        "goodput_per_s": overload.goodput_per_s(seconds),
        "answered": len(overload.answered),
        "refused": dict(overload.refusals),
        "answered_p50_s": median(took for _, took in overload.answered),
        "retry_delay_p50_s": median(overload.delays_s) if overload.delays_s else None,
        "most_held": overload.most_held,
        "queue_room": room,
        "resident_mib": overload.resident,
    }
    return found, _bars(overload, mean(peaks), room, seconds)


@contextmanager
def _client(split: Split, address: str) -> Iterator[Client]:
    """A client on its own core."""
    split.enter_client()
    with Client(address) as client:
        yield client


def _bars(overload: Overload, peak: float, room: int, seconds: float) -> list[Bar]:
    refused = overload.refusals.total()
    proper = min(overload.refusals["RESOURCE_EXHAUSTED"], sum(delay > 0 for delay in overload.delays_s))
    return [
        Bar("goodput as a share of the peak", overload.goodput_per_s(seconds) / peak, least=LEAST_GOODPUT),
        Bar("calls refused", refused, least=1),
        Bar("refusals that are not RESOURCE_EXHAUSTED with a delay", refused - proper, most=0),
        Bar("most calls held, against the queue's room", overload.most_held, most=room),
        Bar("growth of the server's memory, MiB", overload.growth_mib(seconds), most=MOST_GROWTH_MIB),
    ]


def run(model_id: str, seconds: float, results_as: str, deadline_s: float = DEADLINE_S) -> int:
    """Measure, print and write everything; returns the exit status."""
    found, bars = measure(model_id, seconds, deadline_s)
    shown = {name: value for name, value in found.items() if name != "resident_mib"}
    report.show(f"{model_id}: overload for {seconds:g} s", ("measure", "value"), list(shown.items()))
    print(f"written: {report.write(results_as, {'model_id': model_id, **found}, bars)}")
    return report.judge(bars)


def main() -> None:
    """Read the command line and run."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.embedder.overload", description=__doc__)
    parser.add_argument("--quick", action="store_true", help=f"{QUICK_S:g} seconds of {LITE0}, exits 0")
    parser.add_argument("--seconds", type=float, default=FULL_S, help="seconds of overload")
    parser.add_argument("--model", choices=(VIT_TINY, LITE0), default=VIT_TINY)
    chosen = parser.parse_args()
    if chosen.quick:
        run(LITE0, QUICK_S, "overload-quick", QUICK_DEADLINE_S)
        return
    sys.exit(run(chosen.model, chosen.seconds, "overload"))


if __name__ == "__main__":
    main()
