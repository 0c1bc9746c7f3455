"""Serving against the same decoding and session in process, and against other servers of the same file.

    python -m benchmarks.embedder [--quick] [--peers-python PATH]

All cases take turns in one run; a ratio is the median of the turns' quotients. Results go to
out/benchmarks/embedder.json (embedder-quick.json) and to the screen; exits 1 where a bar is missed.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from statistics import median
from typing import Any

from benchmarks.common import report
from benchmarks.common.crops import jpeg_crops
from benchmarks.common.models import VIT_TINY
from benchmarks.common.report import Bar
from benchmarks.common.servers import embedder
from benchmarks.common.timing import Turns, interleaved
from benchmarks.embedder import peering
from benchmarks.embedder.in_process import InProcess
from benchmarks.embedder.loads import Client
from benchmarks.embedder.metering import MS, Meter
from services.embedder.export.architectures import LITE0
from spotted.errors import UnavailableError

MANY = 32
IN_FLIGHT = (1, 8, MANY)
BASE = "pipeline"
BEST = f"stream_{MANY}"
ALONE, EMPTY = "alone", "empty"
ONE_IN_FLIGHT = {ALONE, "unary_1", "stream_1"}
LEAST_SHARE = 0.90
MOST_EXTRA_MS = 2.0
MOST_EMPTY_MS = 1.0
EMPTY_CALLS = 300


@dataclass(frozen=True, slots=True)
class Amounts:
    """How much is measured: turns that count, before them turns that do not, seconds of one case's turn."""

    pairs: int
    warm_up: int
    turn_s: float


FULL = Amounts(pairs=7, warm_up=1, turn_s=4.0)
QUICK = Amounts(pairs=1, warm_up=0, turn_s=0.4)


def measure(model_id: str, amounts: Amounts) -> tuple[dict[str, Any], list[Bar]]:
    """Every case of our own on one backbone."""
    workers, crops = report.cores(), jpeg_crops(64)
    in_process = InProcess(model_id, workers=workers)
    count = _count(in_process, crops, amounts)
    files = [crops[i % len(crops)] for i in range(count)]
    few = files[: max(4, count // workers)]
    pixels = [in_process.prepare(content) for content in files]
    one_crop = InProcess(model_id, workers=workers, batch=1)
    one_run = InProcess(model_id, workers=1, threads=workers)
    with embedder(model_id, workers=workers) as serving, Client(serving.address) as client:
        cases: dict[str, Callable[[], Sequence[float] | None]] = {
            "session": partial(in_process.run, pixels),
            BASE: partial(in_process.embed, files),
            "pipeline_single": partial(one_crop.embed, files),
            "pipeline_wide": partial(one_run.embed, files),
            ALONE: partial(in_process.one_by_one, few),
            EMPTY: partial(client.empty, EMPTY_CALLS),
        }
        for most in IN_FLIGHT:
            sent = few if most == 1 else files
            cases[f"unary_{most}"] = partial(client.unary, sent, most)
            cases[f"stream_{most}"] = partial(client.stream, sent, most)
        meter = Meter([serving.process])
        metered = {case: meter.metered(case, work) for case, work in cases.items()}
        turns = interleaved(pairs=amounts.pairs, warm_up=amounts.warm_up, **metered)
    counts = {case: len(few) if case in ONE_IN_FLIGHT else count for case in cases}
    del counts[EMPTY]
    return _own(f"{model_id}, JPEG crops", turns, meter, counts), _own_bars(model_id, turns, meter)


def _count(in_process: InProcess, crops: Sequence[bytes], amounts: Amounts) -> int:
    """How many crops fill a turn of the in-process pipeline."""
    trial = interleaved(pairs=1, warm_up=1, trial=partial(in_process.embed, crops[:16]))
    return max(16, round(amounts.turn_s * 16 / trial.median_s("trial")))


def _own(title: str, turns: Turns, meter: Meter, counts: dict[str, int]) -> dict[str, Any]:
    """The numbers of every case that embeds crops; prints them as a table."""
    cases: dict[str, Any] = {}
    rows = []
    for case, count in counts.items():
        ratio, scale = turns.ratio(BASE, case), count / counts[BASE]
        pairs = len(turns.seconds[case])
        p50_ms = meter.p50_ms(case, pairs)
        cases[case] = {
            "turns_s": turns.seconds[case],
            "crops": count,
            "crops_per_s": count / turns.median_s(case),
            "share_of_pipeline": [scale * part for part in (ratio.median, ratio.low, ratio.high)],
            "processor_ms": meter.processor_s(case, pairs) / count * MS,
            "p50_ms": p50_ms,
        }
        share = "{:.2f} [{:.2f}, {:.2f}]".format(*cases[case]["share_of_pipeline"])
        found = (cases[case]["crops_per_s"], share, cases[case]["processor_ms"])
        rows.append((case, *found, median(p50_ms) if p50_ms else ""))
    columns = ("case", "crops/s", "of pipeline", "processor ms/crop", "p50 ms")
    report.show(title, columns, rows)
    return cases


def _own_bars(model_id: str, turns: Turns, meter: Meter) -> list[Bar]:
    pairs = len(turns.seconds[BASE])
    served, alone = meter.p50_ms("unary_1", pairs), meter.p50_ms(ALONE, pairs)
    extra_ms = median(a - b for a, b in zip(served, alone, strict=True))
    empty_ms = median(meter.p50_ms(EMPTY, pairs))
    bars = [
        Bar(f"{model_id}: ms of one call above decode + session, p50", extra_ms, most=MOST_EXTRA_MS),
        Bar(f"{model_id}: ms of an empty call, p50", empty_ms, most=MOST_EMPTY_MS),
    ]
    if model_id == VIT_TINY:
        share = turns.ratio(BASE, BEST).median
        bars.append(
            Bar(f"{model_id}: {BEST} as a share of the pipeline in process", share, least=LEAST_SHARE)
        )
    return bars


def compare(
    peer: peering.Peer, model_id: str, python: str, amounts: Amounts
) -> tuple[dict[str, Any], list[Bar]]:
    """One other server beside ours and the pipeline, after it was tuned; only one other runs at a time.

    Raises UnavailableError where the other does not start, or fails a call.
    """
    in_process = InProcess(model_id, workers=report.cores())
    crops = jpeg_crops(64)
    count = _count(in_process, crops, amounts)
    files = [crops[i % len(crops)] for i in range(count)]
    setting = peering.best_setting(peer, model_id, python, crops)
    with (
        embedder(model_id, workers=report.cores()) as serving,
        Client(serving.address) as client,
        peering.running(peer, setting, model_id, python) as other,
    ):
        cases: dict[str, Callable[[], Sequence[float] | None]] = {
            BASE: partial(in_process.embed, files),
            BEST: partial(client.stream, files, MANY),
            f"unary_{MANY}": partial(client.unary, files, MANY),
            peer.package: partial(peering.post, client.runner, other.port, files, MANY),
        }
        meter = Meter([serving.process, *other.processes])
        metered = {case: meter.metered(case, work) for case, work in cases.items()}
        turns = interleaved(pairs=amounts.pairs, warm_up=amounts.warm_up, **metered)
    found = _own(f"{peer.package}, {setting}", turns, meter, dict.fromkeys(cases, count))
    ahead = turns.ratio(peer.package, BEST).median
    bar = Bar(f"{BEST}'s throughput over {peer.package}'s", ahead, least=1.0)
    return {"setting": setting.as_dict(), "cases": found}, [bar]


def compare_all(peers: Sequence[str], python: str, amounts: Amounts) -> tuple[dict[str, Any], list[Bar]]:
    """Every other server that is installed and works."""
    results: dict[str, Any] = {}
    bars: list[Bar] = []
    for name in peers:
        peer = peering.PEERS[name]
        version = peering.installed(peer, python)
        if version is None:
            print(f"skipped {peer.package}: {python} has no such package; install the extra `bench`")
            continue
        try:
            found, judged = compare(peer, VIT_TINY, python, amounts)
        except UnavailableError as error:
            print(f"skipped {peer.package}: {error}")
            continue
        results[peer.package] = {"version": version, **found}
        bars += judged
    return results, bars


def run(models: Sequence[str], peers: Sequence[str], python: str, amounts: Amounts, results_as: str) -> int:
    """Measure, print and write everything; answers the exit status."""
    results: dict[str, Any] = {"models": {}}
    bars: list[Bar] = []
    for model_id in models:
        results["models"][model_id], judged = measure(model_id, amounts)
        bars += judged
    results["peers"], judged = compare_all(peers, python, amounts)
    bars += judged
    print(f"written: {report.write(results_as, results, bars)}")
    return report.judge(bars)


def main() -> None:
    """Read the command line and run."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.embedder", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="one short turn, no other servers, exits 0")
    parser.add_argument("--pairs", type=int, default=FULL.pairs, help="turns that count")
    parser.add_argument("--turn", type=float, default=FULL.turn_s, metavar="S", help="seconds of a turn")
    parser.add_argument("--model", nargs="*", choices=(VIT_TINY, LITE0), default=[VIT_TINY, LITE0])
    parser.add_argument("--peer", nargs="*", choices=tuple(peering.PEERS), default=list(peering.PEERS))
    parser.add_argument(
        "--peers-python", default=sys.executable, metavar="PATH", help="the interpreter with their packages"
    )
    chosen = parser.parse_args()
    if chosen.quick:
        run([VIT_TINY], [], chosen.peers_python, QUICK, "embedder-quick")
        return
    amounts = Amounts(chosen.pairs, FULL.warm_up, chosen.turn)
    sys.exit(run(chosen.model, chosen.peer, chosen.peers_python, amounts, "embedder"))
