"""Methods that teach a backbone from views of one animal: six without names, and baselines with names.

All but `names` need torch and are imported on first use.

names        the methods, and what each needs
by_name      their objectives
examples     which photographs are the views of one another
contrastive  SimCLR, MoCo, Barlow Twins
predictive   BYOL, FastSiam, DINO
supervised   Triplet, SupCon
gathering    rows of all processes that train together
losses       the losses as formulas
projections  the small networks behind a backbone that are dropped after training
momentum     networks that follow another one
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from spotted.lazy import lazy_face
from spotted.training.methods.names import METHODS, Method, find_method

if TYPE_CHECKING:
    from spotted.training.methods.by_name import build_objective, default_knobs
    from spotted.training.methods.examples import (
        VIEW_KINDS,
        ViewKind,
        self_supervised_examples,
        supervised_examples,
    )

__all__ = [
    "METHODS",
    "VIEW_KINDS",
    "Method",
    "ViewKind",
    "build_objective",
    "default_knobs",
    "find_method",
    "self_supervised_examples",
    "supervised_examples",
]

__getattr__ = lazy_face(
    __name__,
    {
        "by_name": ("build_objective", "default_knobs"),
        "examples": ("VIEW_KINDS", "ViewKind", "self_supervised_examples", "supervised_examples"),
    },
)
