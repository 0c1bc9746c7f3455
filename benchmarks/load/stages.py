"""The stages of a load run: capacity, latency against load, the cost of each call, soak and restart."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import psutil

from benchmarks.load.clients import POLL_S, Clients
from benchmarks.load.cluster import Cluster
from benchmarks.load.figures import OPENINGS, Step, errors, highest, latency_ms
from benchmarks.load.mix import CLASS_OF, SHARES
from benchmarks.load.traffic import Counts, Outcome
from benchmarks.load.watch import Watch

# project choice: an annotator notices a wait of half a second
MOST_P99_MS = 500.0
LEAST_ANSWERED = 0.95
FACTOR, HALVINGS = 1.5, 2
TELL_EVERY_S = 5.0
# between the restarts of two replicas, so that each is seen to work
SETTLE_S = 3.0
# a process is read about so often in one stage
READINGS = 600


@dataclass(frozen=True, slots=True)
class Offered:
    """A step, and what it is made from."""

    step: Step
    outcomes: list[Outcome]
    watch: Watch


@dataclass(frozen=True, slots=True)
class Stages:
    """A filled platform, clients that are ready, and a function for progress lines."""

    cluster: Cluster
    clients: Clients
    say: Callable[[str], None]

    def offered(self, words: str, per_s: float, seconds: float, *, only: str = "") -> Offered:
        """Offer calls at a rate and watch all processes meanwhile."""
        self.say(f"{words}: {per_s:.1f} calls a second for {seconds:.0f} s")
        watch = Watch(self._processes, every_s=max(1.0, seconds / READINGS))
        told_s = time.perf_counter()

        def look(counts: Counts) -> None:
            nonlocal told_s
            watch.look()
            if time.perf_counter() - told_s > TELL_EVERY_S:
                told_s = time.perf_counter()
                self.say(f"    {_state(watch, counts)}")

        outcomes = self.clients.offer(per_s, seconds, look, only=only)
        step = _step(per_s, seconds, outcomes, watch)
        self.say(f"    {_result(step)}")
        return Offered(step, outcomes, watch)

    def capacity(self, first: float, seconds: float) -> tuple[float, list[Step]]:
        """The highest rate with p99 and answered share within the bounds, and every step on the way.

        p99 of all calls but openings at most MOST_P99_MS, at least LEAST_ANSWERED of them without error.
        """
        steps: list[Step] = []

        def passes(per_s: float) -> bool:
            steps.append(self.offered("capacity", per_s, seconds).step)
            return steps[-1].p99_ms <= MOST_P99_MS and steps[-1].answered_share >= LEAST_ANSWERED

        return highest(passes, first, factor=FACTOR, halvings=HALVINGS), steps

    def costs_ms(self, per_s: float, seconds: float) -> dict[str, dict[str, float]]:
        """Processor time of a call of each part of the mix, by role, without what an idle platform takes."""
        idle = _by_role(self._idle(seconds).cores_used())
        costs = {}
        for part in SHARES:
            step = self.offered(f"cost of {part}", per_s, seconds, only=part).step
            used, calls = _by_role(step.cores_used), max(1, step.calls)
            costs[part] = {role: 1e3 * (used[role] - idle[role]) * seconds / calls for role in used}
        return costs

    def restart(self, per_s: float) -> tuple[Offered, dict[str, tuple[float, float]]]:
        """Restart every replica, one after the other, under load; and seconds of its end and its start."""
        gone_s: dict[str, tuple[float, float]] = {}

        def restart_all() -> None:
            try:
                for name in self.cluster.replicas():
                    time.sleep(SETTLE_S)
                    gone_s[name] = self.cluster.restart(name)
                    self.say("    {} took {:.1f} s to end and {:.1f} s to start".format(name, *gone_s[name]))
                time.sleep(SETTLE_S)
            finally:
                self.clients.stop()

        with ThreadPoolExecutor(1) as thread:
            done = thread.submit(restart_all)
            offered = self.offered("restart of every replica", per_s, 3600.0)
            done.result()
        return offered, gone_s

    def _idle(self, seconds: float) -> Watch:
        """The processes while nothing is asked of them."""
        self.say(f"idle for {seconds:.0f} s")
        watch = Watch(self._processes)
        while time.perf_counter() - watch.started_s < seconds:
            watch.look()
            time.sleep(POLL_S)
        return watch

    def _processes(self) -> dict[str, psutil.Process]:
        found = self.cluster.processes()
        for i, pid in enumerate(self.clients.pids(), start=1):
            found[f"client-{i}"] = psutil.Process(pid)
        return found


def _step(per_s: float, seconds: float, outcomes: list[Outcome], watch: Watch) -> Step:
    # an offer that was stopped was shorter
    seconds = min(seconds, 1.0 / per_s + max((o.due_s for o in outcomes), default=seconds))
    asked = [o for o in outcomes if CLASS_OF[o.name] != OPENINGS]
    return Step(
        per_s=per_s,
        seconds=seconds,
        calls=len(outcomes),
        offered_per_s=len(outcomes) / seconds,
        answered_share=sum(not o.error for o in asked) / max(1, len(asked)),
        latency_ms=latency_ms(outcomes),
        errors=errors(outcomes),
        retries=sum(o.retries for o in outcomes),
        cores_used=watch.cores_used(),
        rss_mib=watch.resident_mib(),
    )


def _by_role(cores_used: Mapping[str, float]) -> dict[str, float]:
    """Cores that all processes of each role used together."""
    used: dict[str, float] = defaultdict(float)
    for name, cores in cores_used.items():
        used[name.split("-")[0]] += cores
    return used


def _state(watch: Watch, counts: Counts) -> str:
    at_s = time.perf_counter() - watch.started_s
    under_way = counts.sent - counts.answered - counts.failed
    return f"{at_s:.0f} s: {counts.answered} answered, {counts.failed} failed, {under_way} under way"


def _result(step: Step) -> str:
    if "all" not in step.latency_ms:
        return "no call was answered"
    found = step.latency_ms["all"]
    words = ", ".join(f"{name} {found[name]:.0f} ms" for name in ("p50", "p95", "p99", "p99.9"))
    return f"{step.calls} calls, {words}, {step.answered_share:.1%} answered, {step.retries} retries"
