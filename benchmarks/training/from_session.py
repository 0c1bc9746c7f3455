"""A backbone and a head from the individuals of a session, measured on the other animals of its survey.

Half of the animals of a species are those that a session found, with every answer right. A backbone is
fine-tuned on their photographs, and a head is made from their frozen vectors; the other half search each
other by the frozen vectors, through the head, and by the fine-tuned network.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from benchmarks.training.plan import FROZEN, Cell
from benchmarks.training.runs import Runs
from benchmarks.training.tables import Line, lines_of_vectors, species_test, vectors_of
from spotted.arrays import Float32Array
from spotted.heads.named import NamedRecipe, fit_named_head
from spotted.training import NetworkSpec, SplitRule, embed_crops, prepare_crops, start_network

HEAD = "head of frozen vectors"
# a session finds individuals with two photographs or more; each other animal is new to it
RULE = SplitRule(test_share=0.5, unseen_share=1.0, least_in_training=2)
# input of the backbone as it is served
SERVED_PX = 224
FILE = "served.npy"


def session_lines(runs: Runs, cells: Sequence[Cell]) -> Iterator[Line]:
    """The lines of the frozen vectors, of their head, and of the fine-tuned networks, by species."""
    frozen = _frozen(runs)
    labels, split = runs.material.labels, runs.material.split
    for cell in cells:
        test, rows = species_test(runs, cell.species), runs.material.tested(cell.species)
        known = split.train[[labels.species[label] == cell.species for label in labels.of[split.train]]]
        head = fit_named_head(frozen[known], labels.of[known], NamedRecipe())
        base = frozen[rows]
        ways = {FROZEN: base, HEAD: head.apply(base), cell.title: vectors_of(runs, cell)}
        for title, vectors in ways.items():
            yield from lines_of_vectors(test, Cell(cell.species, title, None), vectors, base)


def _frozen(runs: Runs) -> Float32Array:
    """Unit vectors (n, d) of all photographs by the backbone as it is served."""
    path = runs.folder / FILE
    if not path.is_file():
        settings, device = runs.settings, runs.machine.device
        served = NetworkSpec(settings.network, image_size=SERVED_PX, pooling="default", batch_norm=False)
        start = start_network(served, settings.start, seed=settings.seed)
        photographs = runs.material.photographs
        crops = prepare_crops(photographs, SERVED_PX, runs.folder / "served-crops.npy").crops
        np.save(path, embed_crops(start.network, crops, start.spec, device=device))
    found: Float32Array = np.load(path)
    return found
