from __future__ import annotations

from spotted.cli.training.options import (
    AVERAGINGS,
    OPTIMISERS,
    POOLINGS,
    PRECISIONS,
    LoopChoice,
    NetworkChoice,
)
from spotted.training.loop import settings
from spotted.training.networks import POOLINGS as NETWORK_POOLINGS
from spotted.training.networks import NetworkSpec


def test_words_of_options_are_those_of_the_library() -> None:
    assert POOLINGS == NETWORK_POOLINGS
    assert (OPTIMISERS, PRECISIONS, AVERAGINGS) == (
        settings.OPTIMISERS,
        settings.PRECISIONS,
        settings.AVERAGINGS,
    )


def test_choices_are_values_of_the_library() -> None:
    chosen = NetworkChoice("test_vit", 64, "default", batch_norm=False, patch_size=8, start="random")
    assert chosen.spec() == NetworkSpec("test_vit", 64, "default", batch_norm=False, patch_size=8)
    loop = LoopChoice(3, 8, 2, "adamw", 0.1, "bf16", "swa", 5, 1, "cuda", 7, 100)
    found = loop.settings()
    assert (found.batch_size, found.part_size, found.averaging.from_epoch) == (8, 4, 5)
    assert (found.device, found.seed, found.checkpoint_steps) == ("cuda", 7, 100)
