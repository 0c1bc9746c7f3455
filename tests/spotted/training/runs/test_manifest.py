from __future__ import annotations

from dataclasses import replace

from spotted.training.networks import NetworkSpec
from spotted.training.runs.manifest import RunManifest, SpeciesMetrics

METRICS = (SpeciesMetrics("lion", 20, 5, 18, {"1": 0.5, "5": 0.75, "10": 1.0, "20": 1.0}, 0.4),)
RUN = RunManifest("lions", "arcface", NetworkSpec(), recipe={"epochs": 3}, metrics=METRICS, labels=("a", "b"))


def test_a_description_survives_its_text() -> None:
    assert RunManifest.from_json(RUN.to_json()) == RUN


def test_the_digest_of_a_recipe_changes_with_its_settings_only() -> None:
    assert replace(RUN, name="other", photographs=7).recipe_sha256 == RUN.recipe_sha256
    assert replace(RUN, recipe={"epochs": 4}).recipe_sha256 != RUN.recipe_sha256
    assert replace(RUN, network=NetworkSpec(image_size=128)).recipe_sha256 != RUN.recipe_sha256
