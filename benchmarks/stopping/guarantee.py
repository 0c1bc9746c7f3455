"""How often the stopping guarantee holds, and what it costs, over many simulated sessions.

    python -m benchmarks.stopping --generator ../shared/tools/annotation_surveys.py --surveys 100

Sessions run to their end over complete graphs of generated surveys in two published shapes and several sizes
(synthetic: no real animal is involved), and every answer is right. The outlook is asked for again and
again, as an impatient annotator would, and the session counts as stopped when it first says "safe": a hit
if the target was then truly reached. Overshoot is the questions at the stop over those at which the
target was reached. Seeds from 20 on are claimed; the rule was tuned on seeds 0 to 9.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import click
import numpy as np
from scipy.stats import beta

from benchmarks.common import report
from benchmarks.common.options import generator_option
from benchmarks.common.report import Bar
from benchmarks.stopping.sessions import Session, session, tasks
from spotted.sampling.stopping import TARGETS, outlook

SHARES = "0.25,0.35,0.5,0.7"
QUICK_SURVEYS, QUICK_SHARES = 4, "0.15"
# answers from one look at the outlook to the next
LOOK_EVERY = 5
RULES = (("learned", True), ("learned", False), ("greedy", False))
ESTIMATED_AT = (0.5, 0.9, 0.95, 0.99)
# an estimate of 0 although something was left counts as a thousandth of it
LEAST_FACTOR = 1e-3


@dataclass(frozen=True, slots=True)
class Stop:
    """The first "safe" of a rule: shares of merges and positive image pairs then known, and overshoot."""

    survey: str
    images: int
    target: float
    merges: float
    pairs: float
    overshoot: float


@dataclass(frozen=True, slots=True)
class Line:
    """A rule at a target over all surveys.

    low, high: exact interval of the hit rate, 95 %. overshoot: median; overshoot_p90: nine of ten are below.
    pairs, pairs_least: share of positive image pairs known at the stop, median and least.
    """

    strategy: str
    with_probabilities: bool
    target: float
    surveys: int
    hits: int
    low: float
    high: float
    overshoot: float
    overshoot_p90: float
    pairs: float
    pairs_least: float


@click.command()
@click.option("--quick", is_flag=True, help="Four tiny surveys: does it run?")
@click.option("--surveys", default=100, show_default=True, help="Shapes and sizes by turns, a seed for each.")
@click.option(
    "--shares", default=SHARES, show_default=True, help="Of a shape's animals and images, by turns."
)
@generator_option
def main(*, quick: bool, surveys: int, shares: str, generator: Path) -> None:
    """Run every session, ask for the outlook on the way, and write how often it was right."""
    if quick:
        surveys, shares = QUICK_SURVEYS, QUICK_SHARES
    stops: dict[tuple[str, bool], list[Stop]] = {rule: [] for rule in RULES}
    held: dict[tuple[str, bool], list[float]] = {rule: [] for rule in RULES}
    factors: list[tuple[float, float, float]] = []
    for task, seed in tasks(generator, surveys, [float(share) for share in shares.split(",")]):
        sessions = {name: session(task, name, seed) for name in dict(RULES)}
        for rule in RULES:
            stopped, bounded = judged(sessions[rule[0]], with_probabilities=rule[1])
            stops[rule] += stopped
            held[rule].append(bounded)
        factors += estimates(sessions["learned"])
        click.echo(f"{task.name} of {task.graph.n} images, seed {seed}: {_summary(stops)}")
    missed = publish("stopping-quick" if quick else "stopping", stops, held, factors)
    # bars do not apply to tiny surveys
    raise SystemExit(0 if quick else missed)


def judged(one: Session, *, with_probabilities: bool) -> tuple[list[Stop], float]:
    """The first stop at each target, and the share of looks at which the bound held."""
    stops: dict[float, Stop] = {}
    merges = np.cumsum(one.merged)
    planned = np.array([answers for answers, _, _ in one.plans])
    looks = [*range(LOOK_EVERY, len(one.merged), LOOK_EVERY), len(one.merged)]
    held = 0
    for asked in looks:
        last = int(np.searchsorted(planned, asked, side="right")) - 1
        expected = one.plans[last][1] if with_probabilities else None
        known = int(merges[asked - 1])
        seen = outlook(
            one.merged[:asked],
            int(one.open_pairs[asked]),
            components=one.images - known,
            expected=expected,
        )
        held += seen.merges_left_at_most >= one.merges - known
        for target in TARGETS:
            if target not in stops and seen.is_safe(target):
                share, pairs = known / one.merges, int(one.found[asked - 1]) / one.positives
                stops[target] = Stop(
                    one.survey,
                    one.images,
                    target,
                    share,
                    pairs,
                    asked / one.questions_to(target),
                )
    return list(stops.values()), held / len(looks)


def estimates(one: Session) -> Iterator[tuple[float, float, float]]:
    """The share of merges known, and by what factors the estimates of merges and image pairs were off."""
    merges = np.cumsum(one.merged)
    for share in ESTIMATED_AT:
        due = one.questions_to(share)
        for answers, expected, image_pairs in one.plans:
            left = one.merges - int(merges[answers - 1]) if answers else one.merges
            if answers >= due and left:
                true_pairs = one.positives - int(one.found[answers - 1])
                yield share, expected.merges / left, image_pairs / true_pairs
                break


def line(strategy: str, *, with_probabilities: bool, target: float, stops: Sequence[Stop]) -> Line:
    """Figures of the stops of a rule at a target."""
    hits = sum(stop.merges >= round(target, 9) for stop in stops)
    low = float(beta.ppf(0.025, hits, len(stops) - hits + 1)) if hits else 0.0
    high = float(beta.ppf(0.975, hits + 1, len(stops) - hits)) if hits < len(stops) else 1.0
    overshoot = [stop.overshoot for stop in stops]
    pairs = [stop.pairs for stop in stops]
    return Line(
        strategy,
        with_probabilities,
        target,
        len(stops),
        hits,
        low,
        high,
        float(np.median(overshoot)),
        float(np.quantile(overshoot, 0.9)),
        float(np.median(pairs)),
        min(pairs),
    )


def publish(
    name: str,
    stops: dict[tuple[str, bool], list[Stop]],
    held: dict[tuple[str, bool], list[float]],
    factors: Sequence[tuple[float, float, float]],
) -> int:
    """Show and write the figures of the sessions; returns the exit status, 1 if a bar was missed."""
    lines = [
        line(rule[0], with_probabilities=rule[1], target=target, stops=of_target)
        for rule, every in stops.items()
        for target in TARGETS
        if (of_target := [stop for stop in every if stop.target == target])
    ]
    columns = ("rule", "target", "hits", "rate at least", "overshoot", "p90", "pairs known", "least")
    report.show("stopped at the first 'safe'", columns, [_row(one) for one in lines])
    results = {
        "lines": [asdict(one) for one in lines],
        "bound_held": {_words(*rule): float(np.mean(shares)) for rule, shares in held.items()},
        "estimates": [_off(share, factors) for share in ESTIMATED_AT],
        "stops": {_words(*rule): [asdict(stop) for stop in every] for rule, every in stops.items()},
    }
    bars = [*bars_of(lines)]
    print(f"written: {report.write(name, results, bars)}")
    return report.judge(bars)


def bars_of(lines: Sequence[Line]) -> Iterator[Bar]:
    """Every rule holds in 95 % of the surveys; what the sampler uses asks at most twice what is needed."""
    for one in lines:
        words = f"{_words(one.strategy, one.with_probabilities)}, target {one.target:g}"
        yield Bar(f"{words}: share of surveys in which it held", one.hits / one.surveys, least=0.95)
        if one.with_probabilities:
            yield Bar(f"{words}: median overshoot", one.overshoot, most=2.0)


def _off(share: float, factors: Sequence[tuple[float, float, float]]) -> dict[str, float | int]:
    """Typical factors, up or down, by which the estimates were off at a share of the merges."""
    these = [factor for factor in factors if factor[0] == share]
    merges, pairs = (
        float(np.exp(np.mean([abs(math.log(max(factor[k], LEAST_FACTOR))) for factor in these] or [0.0])))
        for k in (1, 2)
    )
    return {"share": share, "sessions": len(these), "merges": merges, "pairs": pairs}


def _row(one: Line) -> tuple[object, ...]:
    rate = f"{one.hits}/{one.surveys}"
    cells = (one.overshoot, one.overshoot_p90, one.pairs, one.pairs_least)
    return _words(one.strategy, one.with_probabilities), one.target, rate, one.low, *cells


def _words(strategy: str, with_probabilities: bool) -> str:  # noqa: FBT001 - the two parts of a rule
    return f"{strategy}, {'with its probabilities' if with_probabilities else 'with its answers only'}"


def _summary(stops: dict[tuple[str, bool], list[Stop]]) -> str:
    last = [every[-1] for every in stops.values() if every]
    return ", ".join(f"{one.target:g} at {one.merges:.3f} ({one.overshoot:.2f}x)" for one in last)
