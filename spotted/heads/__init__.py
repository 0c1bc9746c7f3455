"""Adaptation heads: small maps on top of frozen embeddings, learned from places and times.

Recipes and the application of a head need only numpy. Training needs torch; the names of `training` and
`targets` are imported on first use.

head      a head as arrays, its recipe, and its application
training  training of a head from location pseudo-labels (Spotted eqs. 4-6)
targets   target similarities of the pairs in training
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from spotted.lazy import lazy_face

if TYPE_CHECKING:
    from spotted.heads.head import FEWEST_DETECTIONS, PAPER, Head, HeadRecipe
    from spotted.heads.targets import PairTargets, pair_targets
    from spotted.heads.training import Step, train_head

__all__ = [
    "FEWEST_DETECTIONS",
    "PAPER",
    "Head",
    "HeadRecipe",
    "PairTargets",
    "Step",
    "pair_targets",
    "train_head",
]

__getattr__ = lazy_face(
    __name__,
    {
        "head": ("FEWEST_DETECTIONS", "Head", "HeadRecipe", "PAPER"),
        "targets": ("PairTargets", "pair_targets"),
        "training": ("Step", "train_head"),
    },
)
