"""Which trainings the tables compare; every table shares the trainings of the others."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

ARCFACE = "arcface"
START = "start"
# vectors of the backbone as it is served
FROZEN = "frozen"
# animals of a species that is new (MiewID, tables 4 and 5)
COUNTS = (25, 50, 100, 200)


@dataclass(frozen=True, slots=True)
class Training:
    """The examples of one network.

    >>> Training(("nyala",), 25, finetunes=Training(("lion",))).name
    'nyala-25-after-lion'
    """

    species: tuple[str, ...]
    """Species that it learns from."""
    animals: int = 0
    """Animals of the first species that it learns from, 0 for all; all animals of the other species."""
    method: str = ARCFACE
    finetunes: Training | None = None
    """The training that it goes on from; None: from the weights of the start."""

    @property
    def name(self) -> str:
        """The name of its folder."""
        first, *others = self.species
        parts = [f"{first}-{self.animals}" if self.animals else first, *others]
        method = "" if self.method == ARCFACE else f"-{self.method}"
        after = f"-after-{self.finetunes.name}" if self.finetunes else ""
        return "+".join(parts) + method + after


@dataclass(frozen=True, slots=True)
class Cell:
    """A network and the species that it is tested on."""

    species: str
    """The species of the test."""
    title: str
    """Name of the examples that the network learnt from."""
    training: Training | None
    """None: the weights of the start."""


def table_2(species: Sequence[str]) -> Iterator[Cell]:
    """One network for all species, for all others, and for each by itself."""
    for one in species:
        yield Cell(one, START, None)
        yield Cell(one, "multi-species", Training(tuple(species)))
        yield from _left_out(one, species)
        yield Cell(one, "single species", Training((one,)))


def table_3(species: Sequence[str]) -> Iterator[Cell]:
    """Species that no training saw."""
    for one in species:
        yield Cell(one, START, None)
        yield from _left_out(one, species)


def table_4(species: Sequence[str], animals: dict[str, int]) -> Iterator[Cell]:
    """Few animals of a new species together with all of the other species.

    animals: number that can be trained with, by species.
    """
    for one in species:
        yield from _left_out(one, species)
        for count in _counts(animals[one]):
            yield Cell(one, f"{count} animals added", Training(_others(one, species, first=True), count))
        yield Cell(one, "all animals added", Training(tuple(species)))


def table_5(species: Sequence[str], animals: dict[str, int]) -> Iterator[Cell]:
    """Few animals of a new species, from the start and after the other species."""
    for one in species:
        yield from _left_out(one, species)
        for count in (*_counts(animals[one]), 0):
            title = f"{count} animals" if count else "all animals"
            yield Cell(one, f"{title}, from the start", Training((one,), count))
            if len(species) > 1:
                known = Training(_others(one, species))
                yield Cell(one, f"{title}, fine-tuned", Training((one,), count, finetunes=known))


def without_names(species: Sequence[str]) -> Iterator[Cell]:
    """Learning without names beside learning with names."""
    for one in species:
        yield Cell(one, START, None)
        yield Cell(one, "SimCLR, no names", Training((one,), method="simclr"))
        yield Cell(one, "single species", Training((one,)))


def from_session(species: Sequence[str]) -> Iterator[Cell]:
    """Each species by itself, of which half of the animals were found in a session."""
    for one in species:
        yield Cell(one, "fine-tuned", Training((one,)))


def cells_of(table: str, species: Sequence[str], animals: dict[str, int]) -> list[Cell]:
    """The cells of a table by its name; figure-3 and known-unknown show the networks of table-2.

    animals: number that can be trained with, by species.
    """
    match table:
        case "table-3":
            return [*table_3(species)]
        case "table-4":
            return [*table_4(species, animals)]
        case "table-5":
            return [*table_5(species, animals)]
        case "without-names":
            return [*without_names(species)]
        case "from-session":
            return [*from_session(species)]
        case _:
            return [*table_2(species)]


def trainings_of(cells: Iterable[Cell]) -> list[Training]:
    """The trainings of cells, each once, after the one that it goes on from."""
    found: dict[Training, None] = {}
    for cell in cells:
        if cell.training is not None:
            if cell.training.finetunes is not None:
                found[cell.training.finetunes] = None
            found[cell.training] = None
    return list(found)


def _left_out(one: str, species: Sequence[str]) -> Iterator[Cell]:
    if others := _others(one, species):
        yield Cell(one, "leave-one-out", Training(others))


def _others(one: str, species: Sequence[str], *, first: bool = False) -> tuple[str, ...]:
    """The other species, after the one itself if `first`."""
    return (*((one,) if first else ()), *(other for other in species if other != one))


def _counts(animals: int) -> list[int]:
    """The numbers of animals of which there are more."""
    return [count for count in COUNTS if count < animals]
