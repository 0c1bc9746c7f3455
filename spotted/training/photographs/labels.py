"""Which photographs show the same coat: individuals, or their flanks, as the classes of training.

The two flanks of a leopard or a hyena have different patterns, so that a network has nothing to learn from a
photograph of each; there the flanks count as different individuals (MiewID 3.1).
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np

from spotted.arrays import IntArray
from spotted.survey import Side
from spotted.training.photographs.photograph import Photograph

# every species
ALL = "*"
FLANKS = {Side.LEFT: "left", Side.RIGHT: "right"}


@dataclass(frozen=True, slots=True)
class Labels:
    """The classes of photographs."""

    names: tuple[str, ...]
    """Names of the classes, in order."""
    species: tuple[str, ...]
    """The species of each class."""
    animals: tuple[str, ...]
    """The animal of each class; two classes of one species may be its flanks."""
    of: IntArray
    """(n,) class of each photograph, -1 without one."""


def label_photographs(photographs: Sequence[Photograph], *, flanks_apart: Collection[str] = ()) -> Labels:
    """The classes of photographs; animals of equal name and different species are different.

    flanks_apart: species whose flanks are different individuals, or "*" for all. Their photographs of no
        flank have no class: they may show either.

    >>> from pathlib import Path
    >>> animal = [Photograph(s.name, Path(), name="Asha", species="leopard", side=s) for s in Side]
    >>> label_photographs(animal, flanks_apart=["leopard"]).of.tolist()
    [-1, 0, 1, -1, -1]
    """
    keys = [_key(photograph, flanks_apart) for photograph in photographs]
    classes = sorted({key for key in keys if key is not None})
    number = {key: index for index, key in enumerate(classes)}
    return Labels(
        names=tuple(f"{name} {flank}" if flank else name for _, name, flank in classes),
        species=tuple(species for species, _, _ in classes),
        animals=tuple(name for _, name, _ in classes),
        of=np.array([-1 if key is None else number[key] for key in keys], dtype=np.int64),
    )


def _key(photograph: Photograph, flanks_apart: Collection[str]) -> tuple[str, str, str] | None:
    """Species, name and flank of a class."""
    if not photograph.name:
        return None
    if ALL not in flanks_apart and photograph.species not in flanks_apart:
        return photograph.species, photograph.name, ""
    flank = FLANKS.get(photograph.side)
    return None if flank is None else (photograph.species, photograph.name, flank)
