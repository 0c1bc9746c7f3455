"""Screens, answers and modelled seconds of sessions with galleries, compared with pairs.

    python -m benchmarks.screens --generator ../shared/tools/annotation_surveys.py

Sessions run with the strategy `learned` over complete graphs of generated surveys (synthetic: no real animal
is involved). Screens are laid out by the functions of the sampler; pairs of a gallery count as answers. Each
survey is annotated with pairs, with galleries of up to 4 and of up to 8 candidates, without wrong answers
and with 3 % under verified trust. Development uses seeds 0 to 9, published figures 20 to 29.

Seconds are a model and were not measured: a screen takes 10.4 s (the paper's 5.78 answers a minute), and
each candidate beyond the first 2 s more. Break-even is the time for such a candidate at which galleries take
as long as pairs. A finished run is stored beside the results and not repeated.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict
from itertools import chain, product
from pathlib import Path

import click

from benchmarks.annotation.strategies import numbers
from benchmarks.common import report
from benchmarks.common.options import generator_option
from benchmarks.common.report import RESULTS, Bar
from benchmarks.screens import table
from benchmarks.screens.runs import Conditions, Kept, Run, one_run
from benchmarks.screens.surveys import SHAPES, Subject, plain, stressed
from benchmarks.screens.table import Line

SIZES = (1, 4, 8)
QUICK_SHARE = 0.08
LEAST_FEWER = 2.9


@click.command(help=__doc__)
@click.option("--quick", is_flag=True, help="Smoke run: one seed of small surveys without wrong answers.")
@click.option("--seeds", default="20-29", show_default=True, help="Seeds, e.g. 20-29 or 0,1,5.")
@click.option("--shapes", default=",".join(SHAPES), show_default=True, help="Published surveys to follow.")
@click.option("--errors", default="0,0.03", show_default=True, help="Rates of wrong answers.")
@click.option(
    "--stress-seeds", default="20", show_default=True, help="Seeds of the stress surveys; - for none."
)
@click.option("--share", default=0.25, show_default=True, help="Part of each shape's animals and images.")
@generator_option
def main(
    *,
    quick: bool,
    seeds: str,
    shapes: str,
    errors: str,
    stress_seeds: str,
    share: float,
    generator: Path,
) -> None:
    """Run every session, and write the figures."""
    rates = [0.0] if quick else [float(rate) for rate in errors.split(",")]
    conditions = [Conditions(size, rate) for rate, size in product(rates, SIZES)]
    chosen = numbers(seeds)[: 1 if quick else None]
    name = "screens-quick" if quick else "screens"
    kept = Kept(RESULTS / f"{name}-runs.jsonl")
    followed = shapes.split(",")
    surveys = plain(generator, followed, chosen, QUICK_SHARE if quick else share)
    if stress_seeds != "-" and not quick:
        surveys = chain(surveys, stressed(generator, followed, numbers(stress_seeds)))
    missed = publish(name, list(every_run(surveys, conditions, kept)))
    # bars do not apply to small surveys
    raise SystemExit(0 if quick else missed)


def every_run(surveys: Iterable[Subject], conditions: Sequence[Conditions], kept: Kept) -> Iterator[Run]:
    """All runs; stored ones are read back, and each new one is reported when it ends."""
    for case, make in surveys:
        due = [at for at in conditions if kept.get(case, at) is None]
        task = make() if due else None
        for at in conditions:
            run = kept.get(case, at)
            if run is None and task is not None:
                run = one_run(case, task, at)
                kept.add(run)
                click.echo(summary(run))
            if run is not None:
                yield run


def summary(run: Run) -> str:
    """One line about a finished run."""
    reached = [(recall, run.at(recall)) for recall in table.RECALLS]
    shown = ", ".join(
        f"{recall:.0%} " + (f"{at[0]} screens, {at[1]} answers" if at else "-") for recall, at in reached
    )
    named = f"{run.shape} {run.scenario} seed {run.seed}, up to {run.size}, {run.rate:.0%} wrong"
    return f"{named}: {shown} ({run.seconds:.0f} s)"


def publish(name: str, runs: Sequence[Run]) -> int:
    """Show and write the figures of the runs; returns the exit status, 1 if a bar was missed."""
    groups = grouped(runs)
    found = table.lines(runs, groups)
    columns = ("surveys, wrong, recall", "k", "n", *table.COLUMNS)
    report.show("screens, answers and modelled seconds", columns, [table.row(one) for one in found])
    for shape in SHAPES:
        drawn = [run for run in groups.get(shape, []) if not run.rate]
        if drawn:
            (RESULTS / f"{name}-{shape}.png").write_bytes(table.curves(drawn))
    bars = bars_of(found)
    results = {"lines": [asdict(one) for one in found], "runs": [asdict(run) for run in runs]}
    print(f"written: {report.write(name, results, bars)}")
    return report.judge(bars)


def grouped(runs: Sequence[Run]) -> dict[str, list[Run]]:
    """The runs of each shape over its seeds, and of each stress survey over its shapes and seeds."""
    groups: dict[str, list[Run]] = {}
    for run in runs:
        groups.setdefault(run.scenario or run.shape, []).append(run)
    return groups


def bars_of(lines: Sequence[Line]) -> list[Bar]:
    """The largest galleries need a third of the screens, and no survey takes longer than with pairs."""
    bars = []
    for one in lines:
        if one.size == max(SIZES) and one.recall == max(table.RECALLS):
            words = f"{one.surveys}, {one.rate:.0%} wrong"
            if one.surveys in SHAPES and not one.rate:
                bars.append(Bar(f"{words}: screens of pairs over these", one.fewer, least=LEAST_FEWER))
            bars.append(Bar(f"{words}: worst seconds of pairs over these", one.faster_worst, least=1.0))
    return bars
