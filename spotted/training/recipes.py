"""The recipe of `spotted train`: sub-center ArcFace on known individuals (MiewID).

Sources and choices: docs/research/provenance.md.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field

from spotted.training.images.augmentation import Augmentation
from spotted.training.loop.settings import LoopSettings
from spotted.training.losses.arcface import LARGEST_MARGIN, LEAST_MARGIN, SCALE, SUB_CENTERS
from spotted.training.networks import NetworkSpec
from spotted.training.photographs.splits import SplitRule
from spotted.training.schedules import WarmupDecay


@dataclass(frozen=True, slots=True)
class Recipe:
    """How a backbone learns to tell individuals apart.

    >>> Recipe().loop.batch_size
    112
    """

    network: NetworkSpec = field(default_factory=NetworkSpec)
    start: str = "imagenet"
    """random, imagenet, or the path of a run or a checkpoint (see `spotted.training.starts`)."""
    loop: LoopSettings = field(default_factory=LoopSettings)
    schedule: WarmupDecay = field(default_factory=WarmupDecay)
    augmentation: Augmentation = field(default_factory=Augmentation)
    split: SplitRule = field(default_factory=SplitRule)
    flanks_apart: tuple[str, ...] = ()
    """Species whose flanks are different individuals; "*" for all."""
    sub_centers: int = SUB_CENTERS
    """Centers of each individual."""
    scale: float = SCALE
    """Factor of the cosines in the softmax."""
    least_margin: float = LEAST_MARGIN
    """Margin of the individual with the most photographs, radians."""
    largest_margin: float = LARGEST_MARGIN
    """Margin of the individual with the fewest photographs, radians."""
    frozen_epochs: int = 0
    """Epochs before the others in which only the centers learn, as at the start of fine-tuning."""

    def settings(self) -> Mapping[str, object]:
        """All settings by name, e.g. loop.epochs, except those of the network, which a run has apart."""
        return {
            name: value for name, value in flatten_settings(asdict(self)) if not name.startswith("network.")
        }


def flatten_settings(values: Mapping[str, object], prefix: str = "") -> Iterator[tuple[str, object]]:
    """The innermost values of nested mappings, with the names that lead to them."""
    for name, value in values.items():
        if isinstance(value, dict):
            yield from flatten_settings(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", list(value) if isinstance(value, tuple) else value
