"""Questions that each strategy needs to find the positives of a survey, with a simulated annotator.

    python -m benchmarks.annotation --generator ../shared/tools/annotation_surveys.py --data ../shared/data

Sessions run over complete graphs of generated surveys in the shapes of the published ones (synthetic: no
real animal is involved) and of composites (real places, times and photographs, a join that is not real).
Development uses seeds 0 to 9, published figures 20 to 29. Hours are at 5.78 answers a minute, the paper's
measured rate. The bound is the fewest questions that can reach a recall: the largest individuals first, N - K
at 100 %. Speed-ups are paired by seed, intervals of 95 % by resampling seeds. A finished run is stored
beside the results and not repeated unless the parameters of its strategy change.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from itertools import product
from pathlib import Path

import click

from benchmarks.annotation import table as annotation_table
from benchmarks.annotation.runs import PRECISION, RECALLS, TRUST, WAYS, Conditions, Kept, Run, one_run, way
from benchmarks.annotation.surveys import Sources
from benchmarks.annotation.table import Cost, Group, Line, SpeedUp, grouped
from benchmarks.common import report
from benchmarks.common.known_surveys import SHAPES
from benchmarks.common.options import cache_option, data_option, generator_option, models_option
from benchmarks.common.report import RESULTS, Bar
from spotted.sampling.strategies.by_name import KINDS
from spotted.simulation.annotators import MODELS

SEEDS = "20-29"
QUICK_SHARE = 0.1
QUICK_SHAPES = ("leopard102", "hyena109")
# visual scores are no rival: the other strategies have places and times too
STRATEGIES = (*(kind for kind in KINDS if kind != "greedy-visual"), *WAYS)
LEARNED, WITH_SIDES, WITH_SIDES_AND_BURSTS, WITH_MARKS = (
    "learned",
    "learned-sides",
    "learned-bursts",
    "learned-marks",
)
CONFSPAL, SIMPLE = "confspal", ("greedy", "mean-linkage")
LEAST_OVER_SIMPLE = {0.95: 1.3, 0.99: 1.2}
MOST_RATIO, MOST_TO_95 = {"leopard102": 3.5, "hyena109": 7.0}, {"hyena415": 15_000.0}
# matched marks, against the same strategy without them
MOST_WITH_MARKS = {0.95: 1.02, 0.99: 1.02}
MOST_COST, MOST_COST_WRONG, FOUND_WITH = 1.15, 2.0, {0.01: 0.95, 0.03: 0.92}


@click.command()
@click.option("--quick", is_flag=True, help="Smoke run: two seeds of small surveys.")
@click.option("--seeds", default=SEEDS, show_default=True, help="Seeds, e.g. 20-29 or 0,1,5.")
@click.option(
    "--shapes", default="", help="Names of surveys, separated by commas.  [default: all that are available]"
)
@click.option("--strategies", default=",".join(STRATEGIES), show_default=True)
@click.option("--errors", default="0", show_default=True, help="Rates of wrong answers, separated by commas.")
@click.option("--model", type=click.Choice([*MODELS]), default="independent", show_default=True)
@click.option("--trust", type=click.Choice(TRUST), default="plain", show_default=True)
@click.option("--questions", default=0, help="Most questions per session; 0 uses the number for the survey.")
@click.option("--name", default="annotation", show_default=True, help="Name of the result files.")
@generator_option
@data_option
@models_option
@cache_option
def main(
    *,
    quick: bool,
    seeds: str,
    shapes: str,
    strategies: str,
    errors: str,
    model: str,
    trust: str,
    questions: int,
    name: str,
    generator: Path,
    data: Path,
    models: Path,
    cache: Path,
) -> None:
    """Run every strategy on every survey and seed, and write the questions that each needed."""
    name = f"{name}-quick" if quick else name
    marks = any(way(strategy).marks for strategy in strategies.split(","))
    sources = Sources(generator, data, models, QUICK_SHARE if quick else 1.0, cache if marks else None)
    known = sources.names()
    surveys = shapes.split(",") if shapes else [s for s in known if not quick or s in QUICK_SHAPES]
    if not surveys or not set(surveys) <= set(known):
        missing = ", ".join(sorted(set(surveys) - set(known))) or "survey"
        raise click.ClickException(f"no {missing} by {generator} or in {data}; pass --generator, --data")
    conditions = [
        Conditions(strategy, model, float(rate), trust, questions)
        for strategy, rate in product(strategies.split(","), errors.split(","))
    ]
    # the cost of evidence is relative to a session that believes every answer, all of them right
    truthful = [Conditions(at.strategy, model, 0.0, TRUST[0], questions) for at in conditions]
    conditions = list(dict.fromkeys([*conditions, *truthful]))
    # results of different names share their runs, but not with those of reduced surveys
    kept = Kept(RESULTS / ("annotation-quick-runs.jsonl" if quick else "annotation-runs.jsonl"))
    runs = list(every_run(sources, surveys, numbers(seeds)[: 2 if quick else None], conditions, kept))
    missed = publish(name, runs)
    # bars do not apply to small surveys
    raise SystemExit(0 if quick else missed)


def numbers(text: str) -> list[int]:
    """Seeds from such as "20-29" or "0,1,5"; raises click.BadParameter for anything else."""
    found: list[int] = []
    for part in text.split(","):
        first, _, last = part.partition("-")
        if not first.isdecimal() or not (last or first).isdecimal():
            raise click.BadParameter(f"{part!r} is neither a seed nor a range of seeds such as 20-29")
        found += range(int(first), int(last or first) + 1)
    return found


def every_run(
    sources: Sources,
    surveys: Sequence[str],
    seeds: Sequence[int],
    conditions: Sequence[Conditions],
    kept: Kept,
) -> Iterator[Run]:
    """All runs; stored ones are read back, and each new one is reported when it ends."""
    for survey in surveys:
        possible = [at for at in conditions if sources.has_marks(survey) or not way(at.strategy).marks]
        for seed, make in sources.tasks(survey, seeds):
            due = [at for at in possible if kept.get(survey, seed, at) is None]
            task = make() if due else None
            for at in possible:
                run = kept.get(survey, seed, at)
                if run is None and task is not None:
                    run = one_run(task, seed, at)
                    kept.add(run)
                    click.echo(summary(run))
                if run is not None:
                    yield run


def summary(run: Run) -> str:
    """One line about a finished run."""
    reached = ", ".join(
        f"{recall:.0%} {'-' if asked is None else asked}"
        for recall, asked in zip(RECALLS, run.to, strict=True)
    )
    errors = f", {run.model} errors {run.rate:g}, {run.trust}" if run.rate else ""
    return f"{run.survey} seed {run.seed} {run.strategy}{errors}: {reached} ({run.seconds:.0f} s)"


def publish(name: str, runs: Sequence[Run]) -> int:
    """Show and write the figures of the runs; returns the exit status, 1 if a bar was missed."""
    groups = grouped(runs)
    lines = [annotation_table.line(group, held) for group, held in groups.items()]
    ups = list(annotation_table.speed_ups(groups))
    for survey, errors, trust in dict.fromkeys((g.survey, g.errors, g.trust) for g in groups):
        _show(Group(survey, "", errors, trust), lines, ups)
        picture = RESULTS / f"{name}-{survey}-{errors.replace(' ', '-')}-{trust}.png"
        picture.parent.mkdir(parents=True, exist_ok=True)
        picture.write_bytes(annotation_table.curves(groups, survey, errors, trust))
    costs = list(annotation_table.costs(groups))
    rows = [
        (c.survey, c.errors, c.trust, f"{c.found:.0%}", f"{c.reached} of {c.seeds}", c.times) for c in costs
    ]
    report.show(
        f"questions over those of error-free single trust, precision at least {PRECISION}",
        ("survey", "wrong answers", "trust", "found", "seeds that reached it", "times"),
        rows,
    )
    bars = bars_of(lines, ups, costs)
    results = {
        "recalls": RECALLS,
        "lines": [asdict(one) for one in lines],
        "speed_ups": [asdict(one) for one in ups],
        "costs": [asdict(one) for one in costs],
        "partitions": [asdict(one) for one in annotation_table.partitions(groups)],
        "runs": [asdict(run) for run in runs],
    }
    print(f"written: {report.write(name, results, bars)}")
    return report.judge(bars)


def bars_of(lines: Sequence[Line], ups: Sequence[SpeedUp], costs: Sequence[Cost]) -> list[Bar]:
    """Bars for the learned strategy on equal inputs, with sides and bursts, and with wrong answers."""
    return [
        *_rival_bars(lines, ups),
        *_sides_and_bursts_bars(lines),
        *_marks_bars(ups),
        *_cost_bars(costs),
    ]


def _rival_bars(lines: Sequence[Line], ups: Sequence[SpeedUp]) -> Iterator[Bar]:
    """Against the simple strategy that needs the fewest questions on average, and against the paper's."""
    plain = [one for one in lines if (one.errors, one.trust) == ("none", "plain")]
    for up in ups:
        if (up.strategy, up.errors, up.trust) != (LEARNED, "none", "plain"):
            continue
        words = f"{up.survey}: speed-up of {LEARNED} over {up.over} at {up.recall:.0%}"
        if up.over == CONFSPAL and up.recall < 1.0:
            yield Bar(words, up.factor, least=1.0)
        simple = {one.strategy: _to(one, up.recall) for one in plain if one.survey == up.survey}
        best = min(SIMPLE, key=lambda name: simple.get(name, math.inf))
        if up.over == best and up.recall in LEAST_OVER_SIMPLE and up.survey in SHAPES:
            yield Bar(words, up.factor, least=LEAST_OVER_SIMPLE[up.recall])


def _sides_and_bursts_bars(lines: Sequence[Line]) -> Iterator[Bar]:
    """With sides and questions about bursts."""
    for one in lines:
        if (one.strategy, one.errors, one.trust) != (WITH_SIDES_AND_BURSTS, "none", "plain"):
            continue
        words = f"{one.survey}: {WITH_SIDES_AND_BURSTS}"
        ratio = one.ratio[RECALLS.index(0.99)]
        if one.survey in MOST_RATIO:
            bar = ratio if ratio is not None else math.inf
            yield Bar(f"{words}, questions / fewest possible at 99 %", bar, most=MOST_RATIO[one.survey])
        if one.survey in MOST_TO_95:
            yield Bar(f"{words}, to 95 %", _to(one, 0.95), most=MOST_TO_95[one.survey])


def _marks_bars(ups: Sequence[SpeedUp]) -> Iterator[Bar]:
    """With matched marks, against the same strategy without them."""
    for up in ups:
        if (up.strategy, up.over, up.errors, up.trust) != (WITH_MARKS, WITH_SIDES, "none", "plain"):
            continue
        if up.recall in MOST_WITH_MARKS:
            words = f"{up.survey}: questions with marks / without, to {up.recall:.0%}"
            yield Bar(words, 1.0 / up.factor, most=MOST_WITH_MARKS[up.recall])


def _cost_bars(costs: Sequence[Cost]) -> Iterator[Bar]:
    for cost in costs:
        words = f"{cost.survey}: questions of {cost.trust} with errors {cost.errors}"
        if cost.errors == "none":
            yield Bar(f"{words} over single", cost.times, most=MOST_COST)
        elif cost.rate in FOUND_WITH:
            found = f"to {cost.found:.0%} at precision {PRECISION}, over error-free single"
            if cost.found == FOUND_WITH[cost.rate]:
                yield Bar(f"{words} {found}", cost.times, most=MOST_COST_WRONG)


def _to(one: Line, recall: float) -> float:
    asked = one.questions[RECALLS.index(recall)]
    return math.inf if asked is None else asked


def _show(at: Group, lines: Sequence[Line], ups: Sequence[SpeedUp]) -> None:
    key = (at.survey, at.errors, at.trust)
    title = f"{at.survey}, wrong answers: {at.errors}, {at.trust}"
    to = [f"to {recall:.0%}" for recall in RECALLS]
    rows = [(one.strategy, *_cells(one)) for one in lines if (one.survey, one.errors, one.trust) == key]
    report.show(f"{title}: questions (hours, multiple of the fewest possible)", ("strategy", *to), rows)
    factors: dict[str, dict[float, str]] = {}
    for up in ups:
        if (up.survey, up.errors, up.trust) == key:
            cell = f"{up.factor:.2f} ({up.low:.2f} to {up.high:.2f})"
            factors.setdefault(f"{up.strategy} over {up.over}", {})[up.recall] = cell
    rows = [(pair, *(held.get(recall, "") for recall in RECALLS)) for pair, held in factors.items()]
    report.show(f"{title}: times fewer questions", ("strategies", *to), rows)


def _cells(one: Line) -> Iterator[str]:
    for asked, hours, ratio, reached in zip(one.questions, one.hours, one.ratio, one.reached, strict=True):
        if asked is None:
            yield f"{reached} of {one.seeds} seeds"
        else:
            yield f"{asked:.0f} ({hours:.1f} h, {ratio:.1f}x)"
