"""The methods of `spotted pretrain` and what each needs; torch is not imported.

Sources and choices: docs/research/provenance.md.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from spotted.errors import InvalidInputError


@dataclass(frozen=True, slots=True)
class Method:
    """A method and its needs.

    >>> find_method("moco").views, find_method("supcon").supervised
    (2, True)
    """

    name: str
    """Name on the command line."""
    title: str
    """Name in texts."""
    views: int
    """Views of an example."""
    small_crops: bool = False
    """Whether further views are small parts of the photographs."""
    supervised: bool = False
    """Whether it learns from the names of individuals instead of pairs."""
    per_label: int = 0
    """Photographs of each individual in a batch; 0: drawn at random."""


METHODS: Mapping[str, Method] = {
    one.name: one
    for one in (
        Method("simclr", "SimCLR", views=2),
        Method("moco", "MoCo", views=2),
        Method("barlow-twins", "Barlow Twins", views=2),
        Method("byol", "BYOL", views=2),
        Method("fastsiam", "FastSiam", views=4),
        Method("dino", "DINO", views=2, small_crops=True),
        Method("arcface", "ArcFace", views=1, supervised=True),
        Method("triplet", "Triplet", views=1, supervised=True, per_label=4),
        Method("supcon", "SupCon", views=2, supervised=True, per_label=2),
    )
}


def find_method(name: str) -> Method:
    """The method of a name. Raises InvalidInputError if there is none."""
    if name not in METHODS:
        raise InvalidInputError(f"unknown method {name!r}; use {', '.join(METHODS)}", field="method")
    return METHODS[name]
