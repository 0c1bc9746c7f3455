from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import click
import pytest

from benchmarks.training.settings import Settings, choose_epochs, keep_settings
from spotted.training import LoopSettings


def test_epochs_fit_into_the_time() -> None:
    assert choose_epochs(0.05, 1200, 10.0) == 10
    assert choose_epochs(0.05, 1200, 0.1) == 1
    assert choose_epochs(0.001, 100, 600.0) == 30


def test_the_trainings_of_a_folder_have_the_same_settings(tmp_path: Path) -> None:
    first = keep_settings(tmp_path, Settings(epochs=4))
    assert keep_settings(tmp_path, Settings()) == first
    assert keep_settings(tmp_path, Settings(epochs=4)) == first
    for other in (Settings(epochs=5), replace(first, size=96), replace(first, photographs="others")):
        with pytest.raises(click.ClickException, match="give the same, or another folder"):
            keep_settings(tmp_path, other)


def test_the_learning_rate_rises_and_falls_within_the_epochs() -> None:
    settings = Settings(epochs=10, rate=1e-3)
    recipe = settings.recipe(LoopSettings(epochs=10), start="random")
    rates = [recipe.schedule.rate(epoch) for epoch in (0, 2, 10)]
    assert rates == pytest.approx([1e-5, 1e-3, 5e-5])
