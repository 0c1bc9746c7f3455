from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from spotted.errors import AlreadyExistsError, InvalidInputError
from spotted.training.images.augmentation import Augmentation
from spotted.training.loop.settings import LoopSettings
from spotted.training.loop.trainer import Step
from spotted.training.networks import NetworkSpec
from spotted.training.photographs.annotations import read_annotated
from spotted.training.recipes import Recipe
from spotted.training.runs.folder import load_centers, load_network, read_run
from spotted.training.schedules import WarmupDecay
from spotted.training.supervised import Progress, train_backbone
from tests.spotted.training.coat_table import write_coats

RECIPE = Recipe(
    network=NetworkSpec("test_resnet", image_size=32),
    start="random",
    loop=LoopSettings(epochs=2, batch_size=16),
    schedule=WarmupDecay(1e-4, 1e-3, 1.0, 0.9),
    augmentation=Augmentation(clahe=0.0),
    split=replace(Recipe().split, test_share=0.4),
)
FILES = {
    "run.json",
    "network.safetensors",
    "centers.safetensors",
    "card.md",
    "epochs.csv",
    "doubtful_names.csv",
}


class Interrupted(Exception):  # noqa: N818 - an interrupt is no error
    """Ends a training after a step, as a kill would."""


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_coats(tmp_path_factory.mktemp("coats"), 10, 6)


def files(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir() if not path.name.startswith("events.")}


def test_a_training_that_was_interrupted_ends_as_one_that_was_not(table: Path, tmp_path: Path) -> None:
    photographs = read_annotated(table)
    recipe = replace(RECIPE, frozen_epochs=1)
    crops: list[int] = []
    whole = train_backbone(photographs, recipe, tmp_path / "whole", progress=Progress(on_crops=crops.append))
    assert sum(crops) == len(photographs)
    assert files(tmp_path / "whole") == FILES

    def on_step(step: Step) -> None:
        if step.step == 3:
            raise Interrupted

    with pytest.raises(Interrupted):
        train_backbone(photographs, recipe, tmp_path / "parts", progress=Progress(on_step=on_step))
    parts = train_backbone(photographs, recipe, tmp_path / "parts", name="whole")
    assert parts == whole
    assert files(tmp_path / "parts") == FILES
    assert read_run(tmp_path / "parts") == parts
    assert (whole.method, whole.species, whole.start) == ("arcface", ("drawn",), "random weights")
    assert whole.metrics[0].queries == whole.start_metrics[0].queries > 0
    with pytest.raises(AlreadyExistsError, match="holds a finished training; give another folder"):
        train_backbone(photographs, recipe, tmp_path / "parts")


def test_a_training_goes_on_from_a_run_with_more_animals(table: Path, tmp_path: Path) -> None:
    everyone = [
        # one of another species has the name of an animal that is known
        replace(photograph, name="coat0", species="other") if photograph.name == "coat1" else photograph
        for photograph in read_annotated(table)
    ]
    first = [
        photograph
        for photograph in everyone
        if photograph.name not in {"coat2", "coat3"} and photograph.species != "other"
    ]
    recipe = replace(RECIPE, split=replace(RECIPE.split, test_share=0.0))
    run = train_backbone(first, recipe, tmp_path / "first")
    assert run.individuals == 7
    assert not run.metrics
    # with a rate of 0 nothing moves: each animal keeps its centers
    still = replace(recipe, start=str(tmp_path / "first"), schedule=WarmupDecay(0.0, 0.0, 1.0, 1.0))
    grown = train_backbone(everyone, still, tmp_path / "grown")
    assert grown.individuals == 10
    assert grown.start == f"the run first ({run.weights_sha256[:12]})"
    before, after = load_centers(tmp_path / "first"), load_centers(tmp_path / "grown")
    assert before is not None
    assert after is not None
    center_of = dict(zip(zip(grown.label_species, grown.labels, strict=True), after, strict=True))
    for name, center in zip(run.labels, before, strict=True):
        assert torch.equal(center_of["drawn", name], center)
        assert name != "coat0" or not torch.equal(center_of["other", name], center)
    weights = [load_network(tmp_path / name)[1].state_dict()["pooling.p"] for name in ("first", "grown")]
    assert torch.equal(*weights)


def test_too_few_photographs_are_refused(table: Path, tmp_path: Path) -> None:
    photographs = [photograph for photograph in read_annotated(table) if photograph.name == "coat0"]
    with pytest.raises(
        InvalidInputError, match=r"of 6 photographs of 1 animals, .* at least two animals need 3"
    ):
        train_backbone(photographs, RECIPE, tmp_path / "run")


def test_photographs_that_cannot_be_read_are_left_out(table: Path, tmp_path: Path) -> None:
    photographs = read_annotated(table)
    broken = tmp_path / "broken.png"
    broken.write_bytes(b"no image")
    photographs[0] = replace(photographs[0], path=broken)
    recipe = replace(RECIPE, split=replace(RECIPE.split, test_share=0.0), loop=LoopSettings(1, 16))
    assert train_backbone(photographs, recipe, tmp_path / "run").photographs == len(photographs) - 1
