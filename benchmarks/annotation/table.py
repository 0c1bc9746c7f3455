"""Figures of annotation sessions: means, ratios to the bound, paired speed-ups, curves."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from benchmarks.annotation.runs import FOUND, PERCENTS, RECALLS, TRUST, Run
from spotted.arrays import Float64Array
from spotted.evaluation.retrieval import hours
from spotted.reports import plots

OVER = ("greedy", "mean-linkage", "confspal", "confspal-headless", "learned-sides")
DRAWS = 10_000
INTERVAL = (0.025, 0.975)
AGREEMENT = ("pair_precision", "pair_recall", "b_cubed_precision", "b_cubed_recall", "surplus")


@dataclass(frozen=True, slots=True)
class Group:
    """Runs of one strategy on one survey under one kind of annotator, over seeds."""

    survey: str
    strategy: str
    errors: str
    trust: str


@dataclass(frozen=True, slots=True)
class Line:
    """Means over the seeds to each of RECALLS, None if a seed did not reach it.

    reached: number of seeds that did. ratio: questions / fewest possible questions.
    """

    survey: str
    strategy: str
    errors: str
    trust: str
    seeds: int
    reached: list[int]
    questions: list[float | None]
    hours: list[float | None]
    ratio: list[float | None]


@dataclass(frozen=True, slots=True)
class SpeedUp:
    """Geometric mean over seeds of the questions of `over` per question of `strategy`, with its interval.

    seeds: those in which both reached the recall, at least one.
    """

    survey: str
    strategy: str
    over: str
    errors: str
    trust: str
    recall: float
    seeds: int
    factor: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Partition:
    """Agreement with the truth after a number of questions, means over seeds.

    A session that ended earlier counts with its final state.
    """

    survey: str
    strategy: str
    errors: str
    trust: str
    questions: float
    seeds: int
    agreement: dict[str, float]


@dataclass(frozen=True, slots=True)
class Cost:
    """The cost of wrong answers, or of checking for them, in questions.

    times: mean over the seeds that reached it of the questions until `found` is found with precision, over
    those until 95 % is known if no answer is wrong and each is believed. rate: share of wrong answers.
    """

    survey: str
    errors: str
    trust: str
    rate: float
    found: float
    seeds: int
    reached: int
    times: float


def grouped(runs: Sequence[Run]) -> dict[Group, dict[int, Run]]:
    """Runs by survey, strategy and annotator, each by its seed, in order of first appearance."""
    groups: dict[Group, dict[int, Run]] = {}
    for run in runs:
        errors = f"{run.model} {run.rate:g}" if run.rate else "none"
        groups.setdefault(Group(run.survey, run.strategy, errors, run.trust), {})[run.seed] = run
    return groups


def line(group: Group, runs: dict[int, Run]) -> Line:
    """The means of one group."""
    asked = _questions(list(runs.values()))
    bounds = np.array([run.bounds for run in runs.values()], dtype=np.float64)
    means = _means(asked)
    return Line(
        group.survey,
        group.strategy,
        group.errors,
        group.trust,
        seeds=len(runs),
        reached=np.isfinite(asked).sum(axis=0).tolist(),
        questions=means,
        hours=[None if mean is None else hours(1) * mean for mean in means],
        ratio=_means(asked / bounds),
    )


def speed_ups(groups: dict[Group, dict[int, Run]]) -> Iterator[SpeedUp]:
    """Every strategy over each of OVER, at every recall, on the seeds that both have."""
    for group, ours in groups.items():
        for over in OVER:
            theirs = groups.get(Group(group.survey, over, group.errors, group.trust), {})
            seeds = sorted(ours.keys() & theirs.keys())
            if over == group.strategy or not seeds:
                continue
            ratio = _questions([theirs[s] for s in seeds]) / _questions([ours[s] for s in seeds])
            for recall, column in zip(RECALLS, ratio.T, strict=True):
                both = column[np.isfinite(column)]
                if len(both):
                    named = (group.survey, group.strategy, over, group.errors, group.trust)
                    yield SpeedUp(*named, recall, len(both), *geometric_mean(both))


def geometric_mean(ratios: Float64Array) -> tuple[float, float, float]:
    """The geometric mean and its interval over draws with replacement."""
    logs = np.log(ratios)
    drawn = np.random.default_rng(0).choice(logs, (DRAWS, len(logs))).mean(axis=1)
    low, high = np.exp(np.quantile(drawn, INTERVAL)).tolist()
    return float(np.exp(logs.mean())), low, high


def partitions(groups: dict[Group, dict[int, Run]]) -> Iterator[Partition]:
    """The agreement of every group with the truth at each checkpoint of its longest session."""
    for group, runs in groups.items():
        for index in range(max(len(run.checkpoints) for run in runs.values())):
            at = [run.checkpoints[min(index, len(run.checkpoints) - 1)] for run in runs.values()]
            yield Partition(
                group.survey,
                group.strategy,
                group.errors,
                group.trust,
                float(np.mean([one["questions"] for one in at])),
                len(at),
                {name: float(np.mean([one[name] for one in at])) for name in AGREEMENT},
            )


def curves(groups: dict[Group, dict[int, Run]], survey: str, errors: str, trust: str) -> bytes:
    """Mean share of the true pairs known against questions asked, one curve a strategy, as PNG."""
    chosen = {
        g.strategy: runs
        for g, runs in groups.items()
        if (g.survey, g.errors, g.trust) == (survey, errors, trust)
    }
    return plots.matches_found({name: mean_curve(list(runs.values())) for name, runs in chosen.items()})


def mean_curve(runs: Sequence[Run]) -> Float64Array:
    """(q,) mean share of the true pairs known after each question, in steps of a hundredth."""
    share = np.zeros(max(run.asked for run in runs))
    for run in runs:
        steps = [q for q in run.percents if q is not None]
        share += np.searchsorted(np.sort(steps), np.arange(1, len(share) + 1), side="right") / len(PERCENTS)
    return np.asarray(share / len(runs))


def _questions(runs: Sequence[Run]) -> Float64Array:
    """(runs, RECALLS) questions to each recall, NaN if it was not reached."""
    return np.array([[np.nan if q is None else q for q in run.to] for run in runs], dtype=np.float64)


def _means(values: Float64Array) -> list[float | None]:
    """Mean of each column, None if a value is unknown."""
    return [float(column.mean()) if np.isfinite(column).all() else None for column in values.T]


def costs(groups: dict[Group, dict[int, Run]]) -> Iterator[Cost]:
    """The cost of each kind of annotator and trust over error-free single trust of the same strategy."""
    for group, runs in groups.items():
        reference = groups.get(Group(group.survey, group.strategy, "none", TRUST[0]), {})
        if (group.errors, group.trust) == ("none", TRUST[0]) or not runs.keys() <= reference.keys():
            continue
        fewest = {seed: run.to[RECALLS.index(0.95)] for seed, run in reference.items()}
        for index, found in enumerate(FOUND):
            times = [
                held / base
                for seed, run in runs.items()
                if (held := run.held[index]) is not None and (base := fewest[seed]) is not None
            ]
            rate = next(iter(runs.values())).rate
            # a seed that did not reach it makes the mean meaningless
            mean = float(np.mean(times)) if len(times) == len(runs) else np.inf
            yield Cost(group.survey, group.errors, group.trust, rate, found, len(runs), len(times), mean)
