from __future__ import annotations

from pathlib import Path

from spotted.survey import Side
from spotted.training.photographs.labels import label_photographs
from spotted.training.photographs.photograph import Photograph


def photograph(name: str, species: str, side: Side = Side.UNKNOWN) -> Photograph:
    return Photograph("", Path(), name=name, species=species, side=side)


SEEN = [
    photograph("Tau", "lion", Side.LEFT),
    photograph("Tau", "lion", Side.RIGHT),
    photograph("Tau", "leopard", Side.LEFT),
    photograph("Tau", "leopard", Side.RIGHT),
    photograph("Tau", "leopard", Side.FRONT),
    photograph("", "leopard", Side.LEFT),
    photograph("Asha", "lion"),
]


def test_names_of_two_species_are_two_animals() -> None:
    labels = label_photographs(SEEN)
    assert labels.of.tolist() == [2, 2, 0, 0, 0, -1, 1]
    assert labels.names == ("Tau", "Asha", "Tau")
    assert labels.species == ("leopard", "lion", "lion")


def test_flanks_are_animals_only_if_the_species_asks_for_it() -> None:
    labels = label_photographs(SEEN, flanks_apart={"leopard"})
    assert labels.of.tolist() == [3, 3, 0, 1, -1, -1, 2]
    assert labels.names == ("Tau left", "Tau right", "Asha", "Tau")
    assert label_photographs(SEEN, flanks_apart={"*"}).of.tolist() == [2, 3, 0, 1, -1, -1, -1]
