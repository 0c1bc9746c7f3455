"""How many questions known individuals save, on generated surveys with half of the animals known.

    python -m benchmarks.known --generator ../shared/tools/annotation_surveys.py

Sessions with the strategy `learned` and right answers, over complete graphs of generated surveys in two
published shapes, reduced (synthetic: no real animal is involved). Half of the animals, drawn at random, have
names. The remaining pairs are the pairs of one animal that names do not give. Each survey is annotated twice,
with names believed and ignored, until 95 % of the remaining pairs are known: the ratio of the questions is
the figure.

In the first case all photographs of a known animal are named, as if the catalogue were complete. In the
second only those of the first half of the survey are: last year's animals and this year's cards, whose new
photographs must still be matched. Only the first has a bar.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import click
import numpy as np

from benchmarks.annotation.surveys import Sources, Task
from benchmarks.common import report
from benchmarks.common.options import data_option, generator_option, models_option
from benchmarks.common.report import Bar
from spotted.arrays import BoolArray
from spotted.constraints import Assumptions, Closure, assume
from spotted.counting import count_of_share, same_pairs
from spotted.sampling import RoundQueue
from spotted.sampling.strategies import strategy
from spotted.simulation.agreement import true_positives
from spotted.simulation.session import answer_truly, ask

SHAPES = ("leopard102", "hyena109")
RECALL, MOST_RATIO = 0.95, 0.6
CASES = ("all photographs named", "first half named")


@dataclass(frozen=True, slots=True)
class Line:
    """One survey, annotated with names ignored and believed."""

    survey: str
    case: str
    seed: int
    images: int
    named: int
    remaining_pairs: int
    ignored: int
    believed: int

    @property
    def ratio(self) -> float:
        """Questions with names believed over those with names ignored."""
        return self.believed / self.ignored


def named_half(task: Task, case: str, seed: int) -> dict[int, str]:
    """The names of half of the animals, by item."""
    table = task.graph.table
    if table is None:
        raise ValueError(f"{task.name} has no times")
    animals = np.unique(task.truth)
    known = set(np.random.default_rng(seed).permutation(animals)[: len(animals) // 2].tolist())
    early = table.time_s < np.median(table.time_s) if case == CASES[1] else np.ones(task.graph.n, np.bool_)
    return {
        item: f"animal {animal}"
        for item, animal in enumerate(task.truth.tolist())
        if animal in known and early[item]
    }


def questions(task: Task, names: Mapping[int, str], named: BoolArray, seed: int) -> int:
    """Questions until 95 % of the pairs that are not of two named photographs are known.

    names: those to believe.
    """
    constraints = Closure(task.graph.n)
    assume(constraints, Assumptions(task.same_image, names))
    needed = count_of_share(RECALL, same_pairs(task.truth) - same_pairs(task.truth[named]))
    queue = RoundQueue(constraints)
    queries = ask(queue, strategy("learned"), task.graph, seed=seed)
    for asked, query in enumerate(queries, start=1):
        answer_truly(constraints, query, task.truth)
        queue.count_answers()
        parts = constraints.component_ids()
        found = true_positives(parts, task.truth) - true_positives(parts[named], task.truth[named])
        if found >= needed:
            return asked
    raise ValueError(f"{task.name}, seed {seed}: the candidates do not hold {RECALL:.0%} of the pairs")


def measure(task: Task, case: str, seed: int) -> Line:
    """One survey in one case."""
    names = named_half(task, case, seed)
    named = np.isin(np.arange(task.graph.n), [*names])
    remaining = same_pairs(task.truth) - same_pairs(task.truth[named])
    ignored, believed = (questions(task, chosen, named, seed) for chosen in ({}, names))
    return Line(task.name, case, seed, task.graph.n, len(names), remaining, ignored, believed)


@click.command(help=__doc__)
@generator_option
@data_option
@models_option
@click.option("--share", default=0.3, show_default=True, help="Share of each shape's animals and images.")
@click.option("--seeds", default=10, show_default=True, help="Number of seeds, from 0.")
def main(*, generator: Path, data: Path, models: Path, share: float, seeds: int) -> None:
    """Measure, print and judge."""
    started = time.perf_counter()
    sources = Sources(generator, data, models, share)
    lines: list[Line] = []
    for shape in SHAPES:
        for seed, make in sources.tasks(shape, range(seeds)):
            task = make()
            lines += [measure(task, case, seed) for case in CASES]
    rows, bars = _judged(lines)
    report.show("questions to 95 % of the remaining pairs", _COLUMNS, rows)
    seconds = round(time.perf_counter() - started, 1)
    report.write("known", {"share": share, "seconds": seconds, "lines": [asdict(one) for one in lines]}, bars)
    raise SystemExit(report.judge(bars))


_COLUMNS = ("survey, case", "surveys", "ignored", "believed", "ratio", "least", "most")


def _judged(lines: Sequence[Line]) -> tuple[list[tuple[object, ...]], list[Bar]]:
    """A row for each survey and case, of medians, and the bars."""
    rows, bars = [], []
    for shape in SHAPES:
        for case in CASES:
            these = [one for one in lines if (one.survey, one.case) == (shape, case)]
            ratios = [one.ratio for one in these]
            asked = [
                float(np.median([getattr(one, arm) for one in these])) for arm in ("ignored", "believed")
            ]
            median = float(np.median(ratios))
            rows.append((f"{shape}, {case}", len(these), *asked, median, min(ratios), max(ratios)))
            if case == CASES[0]:
                bars.append(Bar(f"{shape}: median ratio of questions", median, most=MOST_RATIO))
    return rows, bars


if __name__ == "__main__":
    main()
