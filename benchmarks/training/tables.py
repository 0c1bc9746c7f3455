"""The tables: each network on the test of each species, with intervals, beside the paper's figures."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass

import numpy as np

from benchmarks.training.gallery_size import hits_by_photographs
from benchmarks.training.measures import LEARNT, PARTS, SpeciesTest, gallery_of
from benchmarks.training.plan import FROZEN, START, Cell
from benchmarks.training.runs import Runs
from spotted.arrays import Float32Array, Float64Array
from spotted.evaluation import TOP, Interval, measure_new_animals

# top-1 in table 2 of MiewID (Otarashvili et al. 2024), whose photographs and division differ from these
PAPER: Mapping[str, Mapping[str, float]] = {
    "nyala": {"multi-species": 0.434, "leave-one-out": 0.156, "single species": 0.218}
}
COLUMNS = (*(f"top-{k}" for k in TOP), "mAP")
GAINS = ("top-1", "mAP")
TITLES = (
    "species",
    "learnt from",
    "queries",
    "animals",
    *COLUMNS,
    "top-1 gain",
    "mAP gain",
    "paper, top-1",
)
# photographs of an animal beside the query, in figure 3: as many as leave enough queries
MOST_PHOTOGRAPHS, FEWEST_QUERIES = 5, 100
SEED = 0


@dataclass(frozen=True, slots=True)
class Line:
    """A network on the queries of a part of a test."""

    species: str
    title: str
    part: str
    """all, those of animals that training saw, those of new ones, or photographs that it learnt from."""
    queries: int
    animals: int
    values: dict[str, Interval]
    """top-1, 5, 10, 20 and mAP."""
    gains: dict[str, Interval]
    """The differences from the network that it is compared with, the start in most tables."""
    paper: float | None
    """Top-1 in the paper."""

    def cells(self) -> list[str]:
        """The cells of its row."""
        values = [show(self.values[column]) for column in COLUMNS]
        gains = ["" if self.title in (START, FROZEN) else show(self.gains[column]) for column in GAINS]
        paper = "" if self.paper is None else f"{self.paper:.3f}"
        return [self.species, self.title, str(self.queries), str(self.animals), *values, *gains, paper]


def species_test(runs: Runs, species: str) -> SpeciesTest:
    """The test of a species."""
    rows = runs.material.tested(species)
    labels = runs.material.labels
    classes = labels.of[rows].tolist()
    return SpeciesTest(
        tuple(labels.names[label] for label in classes),
        tuple(labels.animals[label] for label in classes),
        np.array(runs.material.unseen(rows), dtype=np.bool_),
    )


def vectors_of(runs: Runs, cell: Cell) -> Float32Array:
    """The vectors of a network of the test of a species."""
    rows = runs.material.tested(cell.species)
    found: Float32Array = runs.vectors(cell.training)[np.searchsorted(runs.material.split.test, rows)]
    return found


def lines_of(runs: Runs, cells: Sequence[Cell]) -> Iterator[Line]:
    """The lines of the cells, for each part that has queries."""
    for cell in cells:
        test = species_test(runs, cell.species)
        base = vectors_of(runs, Cell(cell.species, START, None))
        yield from lines_of_vectors(test, cell, vectors_of(runs, cell), base)


def lines_of_vectors(
    test: SpeciesTest, cell: Cell, vectors: Float32Array, base: Float32Array
) -> Iterator[Line]:
    """The lines of a network by its vectors of the test, and those that it is compared with."""
    found, start = test.outcomes(vectors), test.outcomes(base)
    for part in PARTS:
        queries, animals = test.counts(found, part)
        if queries:
            yield Line(
                cell.species,
                cell.title,
                part,
                queries,
                animals,
                dict(zip(COLUMNS, test.intervals(found, part), strict=True)),
                dict(zip(COLUMNS, test.gains(found, start, part), strict=True)),
                PAPER.get(cell.species, {}).get(cell.title) if part == "all" else None,
            )


def known_unknown(runs: Runs, cells: Sequence[Cell]) -> list[dict[str, object]]:
    """How often known animals are named and new ones said to be new: AnimalCLEF's balanced accuracies."""
    found: list[dict[str, object]] = []
    for cell in cells:
        classes = species_test(runs, cell.species).classes
        gallery = gallery_of(vectors_of(runs, cell), classes)
        rng = np.random.default_rng(SEED)
        measured = measure_new_animals(gallery, classes, [""] * len(classes), rng)
        if measured is not None:
            line = {"species": cell.species, "title": cell.title, "score": measured.score}
            found.append(line | asdict(measured))
    return found


def curves(runs: Runs, cells: Sequence[Cell]) -> Iterator[tuple[Cell, int, Float64Array]]:
    """Top-1 by 1, 2, ... photographs of an animal: cells, queries, and (3, most) value, low and high."""
    for cell in cells:
        test = species_test(runs, cell.species)
        most = most_photographs(test.classes)
        hits, rows = hits_by_photographs(vectors_of(runs, cell), test.classes, most=most)
        intervals = test.bootstrap().intervals(np.array(rows, dtype=np.int64), hits)
        yield cell, len(rows), np.array([[one.value, one.low, one.high] for one in intervals]).T


def most_photographs(classes: Sequence[str]) -> int:
    """The largest number of other photographs of an animal that enough photographs have."""
    others = [count - 1 for count in Counter(classes).values() for _ in range(count)]
    enough = [m for m in range(1, MOST_PHOTOGRAPHS + 1) if sum(o >= m for o in others) >= FEWEST_QUERIES]
    return max(enough, default=1)


def show(interval: Interval) -> str:
    """A mean with its interval, if it has one."""
    if np.isnan(interval.low):
        return f"{interval.value:.3f}"
    return f"{interval.value:.3f} [{interval.low:.3f}, {interval.high:.3f}]"


def markdown(titles: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table in Markdown."""
    lines = [titles, ["---"] * len(titles), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def by_part(lines: Sequence[Line]) -> Iterator[tuple[str, list[Line]]]:
    """The lines of each part of the queries."""
    for part in (*PARTS, LEARNT):
        yield part, [line for line in lines if line.part == part]
