"""Calibrated fusion against the product, on animals that it was not fitted to.

    python -m benchmarks.calibration --data ../shared/data

Half of a survey's animals are held out, at random, six times. The labels are all pairs of detections of the
other half, or of a few of its animals, or what follows from the answers about its pairs with the highest
products. Measured only on the held-out half: every detection with another one of its animal is a query, and
all other detections of that half are its candidates, except those of its own image.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path

import click
import numpy as np

from benchmarks.calibration.labels import Amount
from benchmarks.calibration.marks import marks_line, matched
from benchmarks.calibration.outcomes import SPLITS, TOP, Line, measured, pairs_of
from benchmarks.calibration.surveys import KINDS, Sources
from benchmarks.common.options import cache_option, data_option, generator_option, models_option

AMOUNTS = (Amount(animals=5), Amount(animals=10), Amount(), Amount(answers=60), Amount(answers=120))
# development used seeds 0 to 9
SEEDS = "20,21"
LEAST_GAIN, MOST_LOSS, MOST_ERROR = 0.04, 0.01, 0.05


@click.command()
@data_option
@generator_option
@models_option
@click.option("--output", type=click.Path(path_type=Path), default=Path("out/benchmarks/calibration.json"))
@click.option("--kinds", default=",".join(KINDS), show_default=True, help="Kinds of surveys.")
@click.option("--seeds", default=SEEDS, show_default=True, help="Seeds, separated by commas.")
@click.option(
    "--labels",
    "amounts",
    default=",".join(map(str, AMOUNTS)),
    show_default=True,
    help="What is labelled: numbers of animals, half, or answers of a session.",
)
@click.option("--local", is_flag=True, help="Instead, the composites without and with matched marks.")
@cache_option
@click.option("--quick", is_flag=True, help="One small survey and two splits, to check that it runs.")
def main(
    *,
    data: Path,
    generator: Path,
    models: Path,
    output: Path,
    kinds: str,
    seeds: str,
    amounts: str,
    local: bool,
    cache: Path,
    quick: bool,
) -> None:
    """Measure calibrated fusion against the product on held-out animals."""
    sources = Sources(data, generator, models)
    if local:
        for survey in sources.surveys(["composite"], []):
            with_marks = matched(data, survey, cache)
            for amount in AMOUNTS:
                click.echo(json.dumps(asdict(marks_line(with_marks, amount))))
        return
    wanted = [amount for amount in AMOUNTS if str(amount) in amounts.split(",")]
    chosen = ["drawn"] if quick else kinds.split(",")
    numbers = [int(seed) for seed in seeds.split(",")][: 1 if quick else None]
    lines: list[Line] = []
    for line in every_line(sources, chosen, numbers, wanted, splits=2 if quick else SPLITS):
        lines.append(line)
        click.echo(row(line))
        output.parent.mkdir(parents=True, exist_ok=True)
        found = bars(lines)
        output.write_text(json.dumps({"bars": found, "lines": [asdict(one) for one in lines]}, indent=2))
    click.echo(json.dumps(bars(lines), indent=2))


def every_line(
    sources: Sources,
    kinds: Sequence[str],
    seeds: Sequence[int],
    amounts: Sequence[Amount] = AMOUNTS,
    *,
    splits: int = SPLITS,
) -> Iterator[Line]:
    """The means of every survey with each amount of labels."""
    for survey in sources.surveys(kinds, seeds):
        everyone = np.arange(len(survey.gallery))
        pairs = pairs_of(survey.gallery, *np.meshgrid(everyone, everyone, indexing="ij"))
        animals = len(np.unique(survey.individuals))
        for amount in amounts:
            # the whole half is measured by itself
            if (amount.animals or 0) < animals // 2:
                yield measured(survey, pairs, amount, splits=splits)


def bars(lines: Sequence[Line]) -> dict[str, float | bool]:
    """The bars: top-5 gain on the composites, largest loss anywhere, calibration error with half labelled."""
    half = [line for line in lines if line.labelled == "half"]
    composites = [line.gain[TOP.index(5)] for line in half if line.kind == "composite"]
    gain = float(np.mean(composites)) if composites else 0.0
    least = min(line.gain[0] for line in lines)
    error = max((line.error for line in half), default=0.0)
    return {
        "composites_top5_gain": gain,
        **{f"least_top{k}_gain": min(line.gain[i] for line in lines) for i, k in enumerate(TOP)},
        "least_top1_gain_unguarded": min(line.unguarded[0] for line in lines),
        "largest_error_half": error,
        "largest_error": max(line.error for line in lines),
        "held": gain >= LEAST_GAIN and least >= -MOST_LOSS and error <= MOST_ERROR,
    }


def row(line: Line) -> str:
    """One line of the table."""

    def shares(values: Sequence[float]) -> str:
        return " ".join(f"{value:.3f}" for value in values)

    def points(values: Sequence[float]) -> str:
        return " ".join(f"{100 * value:+5.1f}" for value in values)

    used = "/".join(str(count) for count in line.kinds.values())
    reported = "-" if line.reported_error is None else f"{line.reported_error:.3f}"
    return (
        f"{line.survey[:58]:58} {line.labelled:>11} {line.same_pairs:6.0f} {used} | {shares(line.product)} | "
        f"{points(line.gain)} | {points(line.unguarded)} | "
        f"{line.error:.3f} {line.listed_error:.3f} {reported}"
    )


if __name__ == "__main__":
    main()
