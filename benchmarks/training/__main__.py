r"""Trainings measured, by one command each.

    python -m benchmarks.training table-2 --data ../shared/data --minutes 40

\b
table-2        one network for all species, for all others, and for each by itself
table-3        species that no training saw
table-4        few animals of a new species, added to the other species
table-5        few animals of a new species, from the start and fine-tuned
figure-3       hits by the number of photographs of an animal, by the networks of table-2
known-unknown  known animals named and new ones said to be new, by the networks of table-2
without-names  learning without names beside learning with names
from-session   a backbone and a head from half of the animals, on the other half
loading        batches from photographs compared with batches in memory
coats          what a training learns on drawn coats
methods        what methods without names learn on drawn coats

Trainings lie in --folder, are shared by the tables, and go on where they were interrupted. --finished shows
the networks that are finished.
"""

from __future__ import annotations

from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import click
import numpy as np
import torch

from benchmarks.common import report
from benchmarks.common.options import data_option
from benchmarks.training.coats import measure_lift
from benchmarks.training.figure import draw_curves
from benchmarks.training.fit import fit_lines
from benchmarks.training.from_session import RULE as SESSION_RULE
from benchmarks.training.from_session import session_lines
from benchmarks.training.loading import measure_loading
from benchmarks.training.material import Material, read_material
from benchmarks.training.methods import measure_methods
from benchmarks.training.plan import Cell, cells_of, trainings_of
from benchmarks.training.runs import Machine, Runs
from benchmarks.training.settings import (
    Settings,
    choose_epochs,
    keep_settings,
    read_settings,
    time_photograph,
)
from benchmarks.training.tables import TITLES, by_part, curves, known_unknown, lines_of, markdown
from spotted.training import SplitRule
from spotted.training.loop.settings import PRECISIONS, Precision

FROM_SESSION = "from-session"
TABLES = (
    "table-2",
    "table-3",
    "table-4",
    "table-5",
    "figure-3",
    "known-unknown",
    "without-names",
    FROM_SESSION,
)
STANDARD = Settings()


@click.command(help=__doc__)
@click.argument("measurement", type=click.Choice([*TABLES, "loading", "coats", "methods"]))
@data_option
@click.option("--annotated", multiple=True, type=click.Path(path_type=Path), help="Further COCO JSON or CSV.")
@click.option("--species", multiple=True, help="Species to use; by default all.")
@click.option("--folder", type=click.Path(path_type=Path), default=Path("out/benchmarks/training"))
@click.option("--minutes", default=60.0, show_default=True, help="Time of the trainings that are missing.")
@click.option("--epochs", default=0, help="Epochs of each training instead.")
@click.option("--network", default=STANDARD.network, show_default=True)
@click.option("--size", default=STANDARD.size, show_default=True, help="Pixels.")
@click.option("--start", default=STANDARD.start, show_default=True, help="imagenet, random, a run or a file.")
@click.option("--batch", default=STANDARD.batch, show_default=True)
@click.option("--rate", default=STANDARD.rate, show_default=True)
@click.option("--test-share", default=STANDARD.test_share, show_default=True, help="Part of the animals.")
@click.option("--seed", default=STANDARD.seed, show_default=True)
@click.option("--device", default="cpu", show_default=True)
@click.option("--precision", type=click.Choice(PRECISIONS), default="fp32", show_default=True)
@click.option("--workers", default=0, show_default=True)
@click.option("--threads", default=1, show_default=True, help="Threads of torch.")
@click.option("--finished", is_flag=True, help="Train nothing; show the networks that are finished.")
def main(
    *,
    measurement: str,
    data: Path,
    annotated: tuple[Path, ...],
    species: tuple[str, ...],
    folder: Path,
    minutes: float,
    device: str,
    precision: Precision,
    workers: int,
    threads: int,
    finished: bool,
    **chosen: Any,  # noqa: ANN401 - the fields of the settings
) -> None:
    """Train what is missing, measure and print."""
    torch.set_num_threads(threads)
    machine = Machine(device, precision, workers)
    settings = replace(STANDARD, **chosen)
    if measurement in {"coats", "methods"}:
        report.judge([measure_lift(minutes)] if measurement == "coats" else measure_methods())
        return
    if measurement == "loading":
        report.judge([measure_loading(settings.spec, machine)])
        return
    rule = SplitRule(settings.test_share, seed=settings.seed)
    if measurement == FROM_SESSION:
        # other animals are trained with, so that nothing is shared with the tables
        rule, folder = replace(SESSION_RULE, seed=settings.seed), folder / FROM_SESSION
    material = read_material(data, annotated, species, rule)
    animals = {one: len(material.animals(one)) for one in material.species}
    cells = cells_of(measurement, material.species, animals)
    settings = replace(settings, photographs=material.digest)
    settings = _with_epochs(folder, settings, material, cells, minutes, device)
    runs = Runs(folder, settings, material, machine)
    if not finished:
        runs.train(trainings_of(cells))
    ready = [cell for cell in cells if cell.training is None or runs.is_finished(cell.training)]
    _show(measurement, runs, ready)


def _with_epochs(
    folder: Path, settings: Settings, material: Material, cells: list[Cell], minutes: float, device: str
) -> Settings:
    """The settings of the folder, with as many epochs as fit into the time if it has none yet."""
    if not settings.epochs and read_settings(folder) is None:
        count = sum(len(material.photographs_of(training)) for training in trainings_of(cells))
        photograph_s = time_photograph(settings, device)
        settings = replace(settings, epochs=choose_epochs(photograph_s, count, minutes))
        click.echo(f"{settings.epochs} epochs: {photograph_s:.4f} s a photograph, {count} of them", err=True)
    return keep_settings(folder, settings)


def _show(measurement: str, runs: Runs, cells: list[Cell]) -> None:
    """Print a measurement and write its file."""
    results: object
    if measurement == "known-unknown":
        results = known_unknown(runs, cells)
        for line in results:
            click.echo(line)
    elif measurement == "figure-3":
        drawn = [*curves(runs, cells)]
        path = runs.folder / "figure-3.png"
        path.write_bytes(draw_curves(drawn))
        click.echo(f"drawn: {path}")
        results = [asdict(cell) | {"queries": count, "top-1": top.tolist()} for cell, count, top in drawn]
        for cell, count, top in drawn:
            click.echo(f"{cell.species}, {cell.title}, {count} queries: {np.round(top, 3).tolist()}")
    else:
        lines = [*(session_lines if measurement == FROM_SESSION else lines_of)(runs, cells)]
        lines += fit_lines(runs, cells)
        results = [asdict(line) for line in lines]
        for part, of_part in by_part(lines):
            if not of_part:
                continue
            click.echo(f"\nqueries: {part}\n{markdown(TITLES, [line.cells() for line in of_part])}")
    kept = {"settings": asdict(runs.settings), "results": results}
    click.echo(f"written: {report.write(f'training-{measurement}', kept, [])}")


if __name__ == "__main__":
    main()
