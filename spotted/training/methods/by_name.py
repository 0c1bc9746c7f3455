"""The objectives of the methods by name."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping

import numpy as np
import torch

from spotted.arrays import IntArray
from spotted.errors import InvalidInputError
from spotted.training.loop.objective import Objective
from spotted.training.losses.arcface import ArcFaceObjective, dynamic_margins
from spotted.training.methods.contrastive import BarlowTwins, MoCo, SimCLR
from spotted.training.methods.names import find_method
from spotted.training.methods.predictive import BYOL, DINO, FastSiam
from spotted.training.methods.supervised import SupCon, Triplet
from spotted.training.networks import EmbeddingNetwork

OBJECTIVES: Mapping[str, Callable[..., Objective]] = {
    "simclr": SimCLR,
    "moco": MoCo,
    "barlow-twins": BarlowTwins,
    "byol": BYOL,
    "fastsiam": FastSiam,
    "dino": DINO,
    "arcface": ArcFaceObjective,
    "triplet": Triplet,
    "supcon": SupCon,
}


def build_objective(
    method: str,
    network: EmbeddingNetwork,
    knobs: Mapping[str, float],
    *,
    counts: IntArray | None = None,
    seed: int = 0,
) -> Objective:
    """The objective of a method, with random weights of what it trains beside the network.

    knobs: settings that differ from the defaults of `default_knobs`.
    counts: photographs of each class, (c,), by which ArcFace sets its margins; only ArcFace needs them.
    Raises InvalidInputError for an unknown method or knob, or a fraction if a whole number is needed.
    """
    known = default_knobs(method)
    for name, value in knobs.items():
        if name not in known:
            raise InvalidInputError(
                f"{find_method(method).title} has no setting {name!r}; it has {', '.join(known)}", field=name
            )
        if isinstance(known[name], int) and value != int(value):
            raise InvalidInputError(f"{name} {value:g} is not a whole number; round it", field=name)
    given: dict[str, object] = {name: type(known[name])(value) for name, value in knobs.items()}
    if method == "arcface":
        given["margins"] = dynamic_margins(np.ones(1, dtype=np.int64) if counts is None else counts)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return OBJECTIVES[method](network, **given)


def default_knobs(method: str) -> dict[str, float]:
    """The numbers that a method takes, by name, with their defaults.

    >>> default_knobs("triplet")
    {'margin': 0.2}
    """
    parameters = inspect.signature(OBJECTIVES[find_method(method).name]).parameters.values()
    numbers = {one.name: one.default for one in parameters if one.kind is inspect.Parameter.KEYWORD_ONLY}
    # neither what has no default nor what is a choice of two
    return {name: value for name, value in numbers.items() if type(value) in {int, float}}
