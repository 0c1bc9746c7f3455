"""Mixed traffic of a platform on two replicas of each service: `python -m benchmarks.load`.

A store that has every write on disk, two replicas of each service behind client-side round robin, surveys of
varied sizes, and clients that send candidates, sessions and imports at their own times. Finds the capacity,
latency against load and the cost of each call, and soaks at 70 % of the capacity. Results go to
out/benchmarks/load.json and load.png (load-quick with --quick); exits 1 if a bar is missed. A quick run
is judged only by its errors.
"""

from __future__ import annotations

import argparse
import asyncio
import time
from dataclasses import asdict, dataclass, replace
from typing import Any

from benchmarks.common import report
from benchmarks.common.crops import jpeg_crops
from benchmarks.common.report import Bar
from benchmarks.load.access import Access, Lines, Targets
from benchmarks.load.clients import Clients, started
from benchmarks.load.cluster import Cluster, running
from benchmarks.load.figures import p99_by_tenth, picture
from benchmarks.load.mix import SHARES, Plan
from benchmarks.load.ratio import IN_FLIGHT, Way, unary_per_s
from benchmarks.load.stages import MOST_P99_MS, Offered, Stages
from benchmarks.load.surveys import DIMENSION, LARGEST, LoadSurvey, fill, sizes
from benchmarks.load.traffic import Counts

CROPS = 32
SOAK_SHARE = 0.7
RESTART_SHARE = 0.4
MOST_GROWTH = 0.03
# project choice: p99 of the last tenth of a soak over that of the first
MOST_P99_RATIO = 1.2


@dataclass(frozen=True, slots=True)
class Size:
    """Size of a run. rate: the capacity; 0: it is searched from `first_per_s` on.

    surveys: their number, with up to `largest` detections; sessions: number of the most popular with one.
    unary_s: how long calls of one pair are measured; costs_s: the cost of each part of the mix; 0: not.
    warm_up_minutes: the load of the soak, before it; twice as long as unused data stays in memory.
    """

    surveys: int = 200
    largest: int = LARGEST
    sessions: int = 40
    clients: int = 2
    rate: float = 0.0
    first_per_s: float = 80.0
    step_s: float = 30.0
    unary_s: float = 2.0
    shares: tuple[float, ...] = (0.2, 0.4, 0.6, 0.8, 1.0)
    costs_s: float = 15.0
    costs_per_s: float = 10.0
    warm_up_minutes: float = 20.0
    soak_minutes: float = 60.0
    restart: bool = False


QUICK = Size(
    surveys=12,
    largest=400,
    sessions=3,
    clients=1,
    first_per_s=20.0,
    step_s=4.0,
    unary_s=0.5,
    shares=(0.5, 1.0),
    costs_s=0.0,
    warm_up_minutes=0.0,
    soak_minutes=2.0,
)


def measured(size: Size, access: Access, name: str) -> tuple[dict[str, Any], list[Bar]]:
    """All figures and bars of one run; `name` is that of the picture."""
    with running({}, _say) as cluster:
        surveys = asyncio.run(_filled(cluster.targets, access, size))
        plan = Plan(surveys, size.sessions, jpeg_crops(CROPS), clients=size.clients)
        with started(cluster.targets, access, plan) as clients:
            _say(f"opening {size.sessions} sessions and loading every survey")
            clients.prepare(_unheard)
            _say(f"ScorePairs of one pair, {IN_FLIGHT} in flight")
            way = Way(cluster.targets.scorer, access)
            unary = {"unary_per_s": asyncio.run(unary_per_s(way, surveys[0], size.unary_s))}
            found, bars = _staged(cluster, clients, size, name)
            return {**unary, **found}, bars


def _staged(cluster: Cluster, clients: Clients, size: Size, name: str) -> tuple[dict[str, Any], list[Bar]]:
    stages = Stages(cluster, clients, _say)
    capacity, ladder = (size.rate, []) if size.rate else stages.capacity(size.first_per_s, size.step_s)
    found: dict[str, Any] = {"capacity_per_s": capacity, "ladder": [step.as_json() for step in ladder]}
    if not capacity:
        return found, [Bar("capacity, calls a second", capacity, least=1e-9)]
    steps = [
        stages.offered(f"{share:.0%} of capacity", share * capacity, size.step_s).step
        for share in ([] if size.rate else size.shares)
    ]
    found["steps"] = [step.as_json() for step in steps]
    found["costs_ms"] = stages.costs_ms(size.costs_per_s, size.costs_s) if size.costs_s else {}
    if size.warm_up_minutes:
        warm = stages.offered("warm-up", SOAK_SHARE * capacity, 60.0 * size.warm_up_minutes)
        found["warm_up"] = _over_time(warm)
    soaked = stages.offered("soak", SOAK_SHARE * capacity, 60.0 * size.soak_minutes)
    found["soak"], bars = _soak(soaked)
    if size.restart:
        offered, gone_s = stages.restart(RESTART_SHARE * capacity)
        found["restart"] = {**offered.step.as_json(), "gone_s": gone_s}
        bars.append(_errors_bar("calls that failed while every replica was restarted", offered))
    report.RESULTS.mkdir(parents=True, exist_ok=True)
    picture(report.RESULTS / f"{name}.png", steps, soaked.watch.readings)
    return found, bars


def _soak(soaked: Offered) -> tuple[dict[str, Any], list[Bar]]:
    tenths = p99_by_tenth(soaked.outcomes, soaked.step.seconds)
    grown = soaked.watch.growth()
    found = {
        **_over_time(soaked),
        "p99_ms_by_tenth": tenths,
        "growth": grown,
    }
    # the store grows by what is written, and a client by the outcomes that it keeps
    ours = {name: share for name, share in grown.items() if not name.startswith(("store", "client"))}
    bars = [Bar(f"growth of {name}'s memory", share, most=MOST_GROWTH) for name, share in ours.items()]
    bars.append(Bar("p99 of the last tenth over the first", tenths[-1] / tenths[0], most=MOST_P99_RATIO))
    return found, [*bars, _errors_bar("calls that failed in the soak", soaked)]


def _over_time(offered: Offered) -> dict[str, Any]:
    """A stage, and what was read of each process at which second of it."""
    readings = {name: [r[:3] for r in rs] for name, rs in offered.watch.readings.items()}
    return {**offered.step.as_json(), "readings": readings}


def _errors_bar(words: str, offered: Offered) -> Bar:
    return Bar(words, sum(bool(outcome.error) for outcome in offered.outcomes), most=0)


async def _filled(targets: Targets, access: Access, size: Size) -> list[LoadSurvey]:
    lines = Lines(targets, access)
    try:
        return await fill(lines, sizes(size.surveys, size.largest), _say)
    finally:
        await lines.close()


def _unheard(_: Counts) -> None:
    pass


def _say(words: str) -> None:
    print(f"{time.strftime('%H:%M:%S')} {words}", flush=True)


def _show(found: dict[str, Any]) -> None:
    columns = ("calls/s", "class", "p50 ms", "p95 ms", "p99 ms", "p99.9 ms", "calls")
    rows = [
        (f"{step['per_s']:.1f}", kind, *(spread[p] for p in ("p50", "p95", "p99", "p99.9")), spread["calls"])
        for step in [*found["steps"], found["soak"]]
        for kind, spread in step["latency_ms"].items()
    ]
    report.show(f"capacity {found['capacity_per_s']:.1f} calls a second", columns, rows)
    for part, costs in found["costs_ms"].items():
        print(part, {role: round(ms, 2) for role, ms in costs.items()})
    print(f"ScorePairs in a closed loop: {found['unary_per_s']:.0f} a second")
    print("errors in the soak:", found["soak"]["errors"] or "none")


def main() -> int:
    """Measure, write and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.load", description=__doc__)
    parser.add_argument(
        "--quick", action="store_true", help="few surveys, a short ladder, two minutes of soak"
    )
    parser.add_argument("--soak-minutes", type=float, help="minutes of the soak at 70 %% of capacity")
    parser.add_argument("--warm-up-minutes", type=float, help="minutes of the same load before the soak")
    parser.add_argument(
        "--rate", type=float, help="capacity in calls per second, instead of searching for it"
    )
    parser.add_argument("--step", type=float, help="seconds of each step of the ladder")
    parser.add_argument("--surveys", type=int, help="number of stored surveys")
    parser.add_argument("--clients", type=int, help="number of client processes")
    parser.add_argument("--restart", action="store_true", help="restart every replica under load as well")
    given = parser.parse_args()
    base, name = (QUICK, "load-quick") if given.quick else (Size(), "load")
    chosen = {
        "warm_up_minutes": given.warm_up_minutes,
        "soak_minutes": given.soak_minutes,
        "rate": given.rate,
        "step_s": given.step,
        "surveys": given.surveys,
        "clients": given.clients,
        "restart": given.restart or None,
    }
    size = replace(base, **{field: value for field, value in chosen.items() if value is not None})
    found, bars = measured(size, Access(), name)
    fixed = {"size": asdict(size), "dimension": DIMENSION, "mix": SHARES, "most_p99_ms": MOST_P99_MS}
    if "soak" in found:
        _show(found)
    print(f"written: {report.write(name, {**fixed, **found}, bars)}")
    failed = report.judge(bars)
    if given.quick:
        return int(not all(bar.held for bar in bars if "failed" in bar.words))
    return failed
