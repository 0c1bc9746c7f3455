"""Adaptation heads: small maps on top of frozen embeddings, from places and times or from known individuals.

Recipes, the application of a head, and heads from known individuals need only numpy. Training from places
and times needs torch; the names of `training` and `targets` are imported on first use.

head      a head as arrays, its recipe, and its application
training  training of a head from location pseudo-labels (Spotted eqs. 4-6)
targets   target similarities of the pairs in training
named     a head from known individuals, in closed form
held_out  what such a head gains on individuals that it was not made from
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from spotted.lazy import lazy_face

if TYPE_CHECKING:
    from spotted.heads.head import FEWEST_DETECTIONS, PAPER, Head, HeadRecipe
    from spotted.heads.held_out import HeldOutGain, judge_named_head
    from spotted.heads.named import FEWEST_ANIMALS, NamedRecipe, fit_named_head
    from spotted.heads.targets import PairTargets, pair_targets
    from spotted.heads.training import Step, train_head

__all__ = [
    "FEWEST_ANIMALS",
    "FEWEST_DETECTIONS",
    "PAPER",
    "Head",
    "HeadRecipe",
    "HeldOutGain",
    "NamedRecipe",
    "PairTargets",
    "Step",
    "fit_named_head",
    "judge_named_head",
    "pair_targets",
    "train_head",
]

__getattr__ = lazy_face(
    __name__,
    {
        "head": ("FEWEST_DETECTIONS", "Head", "HeadRecipe", "PAPER"),
        "held_out": ("HeldOutGain", "judge_named_head"),
        "named": ("FEWEST_ANIMALS", "NamedRecipe", "fit_named_head"),
        "targets": ("PairTargets", "pair_targets"),
        "training": ("Step", "train_head"),
    },
)
