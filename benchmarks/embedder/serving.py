"""Serving, compared with the same decoding and session in process, and with other servers of the same file.

    python -m benchmarks.embedder [--quick] [--peers-python PATH [--peer NAME ...]]

All cases take turns in one run; a ratio is the median of the quotients of the turns. About seven minutes, and
two more for each other server; these serve the last of the models. Results go to
out/benchmarks/embedder.json (embedder-quick.json) and to the screen; exits 1 if a bar is missed.
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
from spotted.errors import UnavailableError
from spotted.training.networks import LITE0

MANY = 32
IN_FLIGHT = (1, 8, MANY)
BASE = "pipeline"
BEST = f"stream_{MANY}"
LOCAL, EMPTY = "local", "empty"
ONE_IN_FLIGHT = {LOCAL, "unary_1", "stream_1"}
LEAST_SHARE = 0.97
# of decoding and the bare session, by model
MOST_ONE_CALL = {VIT_TINY: 1.05, LITE0: 1.12}
EMPTY_CALLS = 300


@dataclass(frozen=True, slots=True)
class Amounts:
    """Number and length of turns."""

    pairs: int
    """Number of measured turns."""
    warm_up: int
    """Number of turns before them, for warming up."""
    turn_s: float
    """Seconds per turn and case."""
    least_crops: int = 16
    """Least number of crops in a turn; as many are timed to find the number that fills one."""


FULL = Amounts(pairs=7, warm_up=1, turn_s=2.0)
QUICK = Amounts(pairs=1, warm_up=0, turn_s=0.1, least_crops=4)


def measure(model_id: str, amounts: Amounts) -> tuple[dict[str, Any], list[Bar]]:
    """Measure every case of the embedder on one backbone."""
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
            LOCAL: partial(in_process.one_by_one, few),
            EMPTY: partial(client.empty, EMPTY_CALLS),
        }
        for in_flight in IN_FLIGHT:
            sent = few if in_flight == 1 else files
            cases[f"unary_{in_flight}"] = partial(client.unary, sent, in_flight)
            cases[f"stream_{in_flight}"] = partial(client.stream, sent, in_flight)
        meter = Meter([serving.process])
        metered = {case: meter.metered(case, work) for case, work in cases.items()}
        turns = interleaved(pairs=amounts.pairs, warm_up=amounts.warm_up, **metered)
    counts = {case: len(few) if case in ONE_IN_FLIGHT else count for case in cases}
    del counts[EMPTY]
    return _own(f"{model_id}, JPEG crops", turns, meter, counts), _own_bars(model_id, turns, meter)


def _count(in_process: InProcess, crops: Sequence[bytes], amounts: Amounts) -> int:
    """Number of crops that fill a turn of the in-process pipeline."""
    least = amounts.least_crops
    trial = interleaved(pairs=1, warm_up=1, trial=partial(in_process.embed, crops[:least]))
    return max(least, round(amounts.turn_s * least / trial.median_s("trial")))


def _own(title: str, turns: Turns, meter: Meter, counts: dict[str, int]) -> dict[str, Any]:
    """The figures of every case that embeds crops; also prints them as a table."""
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
        figures = (cases[case]["crops_per_s"], share, cases[case]["processor_ms"])
        rows.append((case, *figures, median(p50_ms) if p50_ms else ""))
    columns = ("case", "crops/s", "of pipeline", "processor ms/crop", "p50 ms")
    report.show(title, columns, rows)
    return cases


def _own_bars(model_id: str, turns: Turns, meter: Meter) -> list[Bar]:
    pairs = len(turns.seconds[BASE])
    served, local = meter.p50_ms("unary_1", pairs), meter.p50_ms(LOCAL, pairs)
    extra_ms = median(a - b for a, b in zip(served, local, strict=True))
    print(
        f"{model_id}: one call takes {extra_ms:.2f} ms more than decode + session, an empty call "
        f"{median(meter.p50_ms(EMPTY, pairs)):.2f} ms, p50"
    )
    one_call = median(a / b for a, b in zip(served, local, strict=True))
    share = turns.ratio(BASE, BEST).median
    return [
        Bar(
            f"{model_id}: one call as a multiple of decode + session, p50",
            one_call,
            most=MOST_ONE_CALL[model_id],
        ),
        Bar(f"{model_id}: {BEST} as a share of the pipeline in process", share, least=LEAST_SHARE),
    ]


def compare(
    peer: peering.Peer, model_id: str, python: str, amounts: Amounts
) -> tuple[dict[str, Any], list[Bar]]:
    """Compare the embedder and the pipeline with one other server, after tuning it.

    Raises UnavailableError if the other server does not start, or fails a call.
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
    figures = _own(f"{peer.package}, {setting}", turns, meter, dict.fromkeys(cases, count))
    ahead = turns.ratio(peer.package, BEST).median
    bar = Bar(f"{model_id}: {BEST}'s throughput over {peer.package}'s", ahead, least=1.0)
    return {"setting": setting.as_dict(), "cases": figures}, [bar]


def compare_all(
    peers: Sequence[str], model_id: str, python: str, amounts: Amounts
) -> tuple[dict[str, Any], list[Bar]]:
    """Compare with every other server that is installed and works."""
    results: dict[str, Any] = {}
    bars: list[Bar] = []
    for name in peers:
        peer = peering.PEERS[name]
        version = peering.installed(peer, python)
        if version is None:
            print(f"skipped {peer.package}: not installed for {python}; install the extra `bench`")
            continue
        try:
            compared, judged = compare(peer, model_id, python, amounts)
        except UnavailableError as error:
            print(f"skipped {peer.package}: {error}")
            continue
        results[peer.package] = {"version": version, **compared}
        bars += judged
    return results, bars


def run(models: Sequence[str], peers: Sequence[str], python: str, amounts: Amounts, results_as: str) -> int:
    """Measure, print and write everything; returns the exit status."""
    results: dict[str, Any] = {"models": {}}
    bars: list[Bar] = []
    for model_id in models:
        results["models"][model_id], judged = measure(model_id, amounts)
        bars += judged
    results["peers"], judged = compare_all(peers, models[-1], python, amounts)
    bars += judged
    print(f"written: {report.write(results_as, results, bars)}")
    return report.judge(bars)


def main() -> None:
    """Read the command line and run."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.embedder", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="One short turn without other servers; exits 0")
    parser.add_argument("--pairs", type=int, default=FULL.pairs, help="Number of measured turns")
    parser.add_argument(
        "--turn", type=float, default=FULL.turn_s, metavar="S", help="Length of a turn in seconds"
    )
    parser.add_argument("--model", nargs="*", choices=(VIT_TINY, LITE0), default=[VIT_TINY, LITE0])
    parser.add_argument("--peer", nargs="*", choices=tuple(peering.PEERS), default=list(peering.PEERS))
    parser.add_argument(
        "--peers-python",
        default=sys.executable,
        metavar="PATH",
        help="Interpreter that has the packages of the other servers",
    )
    chosen = parser.parse_args()
    if chosen.quick:
        run([LITE0], [], chosen.peers_python, QUICK, "embedder-quick")
        return
    amounts = Amounts(chosen.pairs, FULL.warm_up, chosen.turn)
    sys.exit(run(chosen.model, chosen.peer, chosen.peers_python, amounts, "embedder"))
