"""Photographs of known animals, divided once for all trainings of a folder."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import click
import numpy as np

from benchmarks.training.plan import ARCFACE, Training
from spotted.arrays import IntArray
from spotted.training import (
    Labels,
    Photograph,
    Split,
    SplitRule,
    label_photographs,
    read_annotated,
    split_photographs,
)

# folders of the data, by species: the table of the photographs, and whether the flanks are different animals
KNOWN = {"nyala": ("nyala/index.csv", True), "lion": ("lions/photographs.csv", False)}


@dataclass(frozen=True, slots=True)
class Material:
    """Photographs of all species, and which are trained and tested with."""

    photographs: tuple[Photograph, ...]
    labels: Labels
    split: Split

    @classmethod
    def of(cls, photographs: Sequence[Photograph], flanks_apart: Iterable[str], rule: SplitRule) -> Material:
        """Divide photographs as the paper does."""
        labels = label_photographs(photographs, flanks_apart=[*flanks_apart])
        return cls(tuple(photographs), labels, split_photographs(photographs, labels, rule))

    @property
    def digest(self) -> str:
        """16 hexadecimal digits that change with the photographs, their names and their division."""
        named = [(str(one.path), one.name, one.species) for one in self.photographs]
        parts = self.split.train.tolist(), self.split.test.tolist()
        return hashlib.sha256(repr((named, self.labels.names, parts)).encode()).hexdigest()[:16]

    @property
    def species(self) -> tuple[str, ...]:
        """The species with a test, those with most photographs to train with last."""
        of = [self.photographs[row].species for row in self.split.train.tolist()]
        tested = {self.photographs[row].species for row in self.split.test.tolist()}
        return tuple(sorted(tested, key=lambda one: (of.count(one), one)))

    def animals(self, species: str) -> list[str]:
        """Animals of a species that are trained with, in the order in which few of them are drawn."""
        rows = (self.photographs[row] for row in self.split.train.tolist())
        found = sorted({one.name for one in rows if one.species == species})
        return [found[index] for index in np.random.default_rng(0).permutation(len(found)).tolist()]

    def photographs_of(self, training: Training) -> list[Photograph]:
        """The photographs that a training learns from, with classes as their names."""
        first = training.species[0]
        drawn = set(self.animals(first)[: training.animals or None])
        rows = self.split.train.tolist() if training.method == ARCFACE else self._nameless()
        return [
            self._named(row)
            for row in rows
            if self.photographs[row].species in training.species
            and (self.photographs[row].species != first or not training.animals or self._animal(row) in drawn)
        ]

    def tested(self, species: str) -> IntArray:
        """Rows of the test of a species."""
        rows = self.split.test
        return rows[[self.photographs[row].species == species for row in rows.tolist()]]

    def unseen(self, rows: IntArray) -> list[bool]:
        """Whether the animal of each row is new to every training."""
        return [label in self.split.unseen for label in self.labels.of[rows].tolist()]

    def _animal(self, row: int) -> str:
        return self.photographs[row].name

    def _nameless(self) -> list[int]:
        """Rows of all photographs but those of the test, of its encounters, and of its new animals."""
        test = [self.photographs[row] for row in self.split.test.tolist()]
        new = {(self.labels.species[label], self.labels.animals[label]) for label in self.split.unseen}
        together = {(one.species, one.name, one.encounter) for one in test if one.encounter}
        tested = set(self.split.test.tolist())
        return [
            row
            for row, one in enumerate(self.photographs)
            if row not in tested
            and (one.species, one.name) not in new
            and (one.species, one.name, one.encounter) not in together
        ]

    def _named(self, row: int) -> Photograph:
        """A photograph whose class is its name, all of it to train with."""
        label = int(self.labels.of[row])
        name = self.labels.names[label] if label >= 0 else ""
        return replace(self.photographs[row], name=name, split="train")


def read_material(data: Path, annotated: Sequence[Path], species: Sequence[str], rule: SplitRule) -> Material:
    """The photographs of the folders that `data` has, and of further COCO JSON or CSV files with species.

    species: those to use; none: all. Raises click.ClickException if there is none.
    """
    photographs: list[Photograph] = []
    apart = []
    for name, (table, flanks) in KNOWN.items():
        if (data / table).is_file():
            photographs += _of_species(read_annotated(data / table), name)
            apart += [name] if flanks else []
    for file in annotated:
        photographs += read_annotated(file)
    chosen = [one for one in photographs if not species or one.species in species]
    if not chosen:
        tables = " or ".join(table for table, _ in KNOWN.values())
        raise click.ClickException(
            f"no photographs in {data}; give a folder with {tables}, or --annotated with a COCO JSON or CSV"
        )
    return Material.of(chosen, apart, rule)


def _of_species(photographs: Iterable[Photograph], species: str) -> list[Photograph]:
    """Photographs of one species, divided by this benchmark and not by their file."""
    return [replace(one, species=species, split="") for one in photographs]
