"""How well a network finds photographs that it learnt from: one that hardly does has learnt too little."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np

from benchmarks.training.measures import LEARNT, SpeciesTest
from benchmarks.training.plan import ARCFACE, Cell
from benchmarks.training.runs import Runs
from benchmarks.training.tables import Line, lines_of_vectors

# photographs of a species that are searched among each other
MOST = 300


def fit_lines(runs: Runs, cells: Sequence[Cell]) -> Iterator[Line]:
    """The lines of networks that learnt with names, on photographs of the species that they learnt from."""
    for cell in cells:
        if cell.training is None or cell.training.method != ARCFACE:
            continue
        learnt = (one for one in runs.material.photographs_of(cell.training) if one.species == cell.species)
        photographs = sorted(learnt, key=lambda one: one.name)[:MOST]
        if not photographs:
            continue
        names = tuple(one.name for one in photographs)
        test = SpeciesTest(names, names, np.zeros(len(names), dtype=np.bool_))
        # named after the training, since a start is measured on the photographs of several
        file = f"learnt-{cell.species}-{cell.training.name}"
        vectors, base = (runs.embedded(one, photographs, file) for one in (cell.training, None))
        line = next(lines_of_vectors(test, cell, vectors, base))
        yield replace(line, part=LEARNT, paper=None)
