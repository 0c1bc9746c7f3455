from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from spotted.boxes.cropping import FractionBox
from spotted.errors import AlreadyExistsError, PreconditionError
from spotted.training.evaluation.vectors import embed_crops
from spotted.training.images.augmentation import Augmentation
from spotted.training.images.crops import prepare_crops
from spotted.training.loop.settings import LoopSettings
from spotted.training.networks import NetworkSpec
from spotted.training.pairs.temporal import TemporalPairs
from spotted.training.photographs.photograph import Photograph
from spotted.training.pretraining import (
    PretrainRecipe,
    choose_examples,
    choose_views,
    hold_out,
    pretrain_backbone,
)
from spotted.training.runs.folder import load_network, read_run
from tests.spotted.training.coats import coat_crops
from tests.spotted.training.methods.objectives import SMALL

SPEC = NetworkSpec("test_resnet", image_size=32, pooling="default", batch_norm=False)
LOOP = LoopSettings(epochs=2, batch_size=8, optimiser="adamw")
ANIMALS, EACH = 10, 4


@pytest.fixture(scope="module")
def photographs(tmp_path_factory: pytest.TempPathFactory) -> list[Photograph]:
    """Four photographs of each of ten animals, of which the first cannot be read."""
    folder = tmp_path_factory.mktemp("coats")
    crops, animals = coat_crops(ANIMALS, EACH, size=32, seed=3)
    found = []
    for row, (crop, animal) in enumerate(zip(crops, animals.tolist(), strict=True)):
        path = folder / f"{row:02}.png"
        Image.fromarray(crop).save(path)
        whole = FractionBox(0.0, 0.0, 1.0, 1.0)
        found.append(Photograph(f"p{row:02}", path, whole, name=f"animal {animal}", species="drawn"))
    found[0].path.write_bytes(b"no image")
    return found


def consecutive_pairs() -> TemporalPairs:
    """The first two and the last two photographs of each animal."""
    rows = np.arange(ANIMALS * EACH).reshape(-1, 2)
    nothing = np.zeros(len(rows))
    return TemporalPairs(rows[:, 0], rows[:, 1], nothing, nothing, nothing > 0, len(rows), 0)


def recipe(method: str, **changed: object) -> PretrainRecipe:
    settings = {"method": method, "network": SPEC, "knobs": SMALL[method], "loop": LOOP}
    return PretrainRecipe(**{**settings, "test_share": 0.3, **changed})  # type: ignore[arg-type] # a table


def test_individuals_are_held_out_with_all_their_photographs() -> None:
    labels = np.repeat(np.arange(ANIMALS), EACH)
    labels[::7] = -1
    held_out = hold_out(labels, 0.3, seed=0)
    assert {*labels[held_out]} & {*labels[~held_out]} == set()
    assert len({*labels[held_out]}) == 3
    assert not held_out[labels < 0].any()
    # one photograph cannot be found again
    assert not hold_out(np.arange(5), 1.0, seed=0).any()


@pytest.mark.parametrize("method", ["simclr", "fastsiam", "supcon"])
def test_examples_leave_out_what_is_held_out_or_unreadable(method: str) -> None:
    labels = np.repeat(np.arange(ANIMALS), EACH)
    usable = labels != 4
    usable[0] = False
    examples = choose_examples(recipe(method, views="both"), consecutive_pairs(), labels, usable)
    assert usable[examples.rows].all()
    # all views of an example show one animal, by which the classes are numbered from 0
    assert (labels[examples.rows] == labels[examples.rows[:, :1]]).all()
    if method == "supcon":
        assert {*examples.labels.tolist()} == set(range(ANIMALS - 1))
    else:
        assert len(examples) == 17 + 35
        assert {*examples.labels.tolist()} == {-1}


def test_without_a_usable_photograph_there_is_nothing_to_learn_from() -> None:
    with pytest.raises(PreconditionError, match="no photograph is left"):
        choose_examples(recipe("simclr"), consecutive_pairs(), np.zeros(40, int), np.zeros(40, bool))


def test_small_crops_are_further_views_of_dino_only() -> None:
    labels, usable = np.repeat(np.arange(ANIMALS), EACH), np.ones(ANIMALS * EACH, dtype=np.bool_)
    wanted = recipe("dino", small_crops=3)
    examples = choose_examples(wanted, consecutive_pairs(), labels, usable)
    assert examples.rows[0].tolist() == [0, 1, 0, 1, 0]
    photograph = np.zeros((32, 32, 3), dtype=np.uint8)
    views = choose_views(wanted, 32)
    edges = [len(view(photograph, np.random.default_rng(0))) for view in views]
    assert edges == [32, 32, 16, 16, 16]
    assert choose_examples(recipe("byol"), consecutive_pairs(), labels, usable).views == 2


@pytest.mark.parametrize("method", ["byol", "triplet"])
def test_a_pretraining_ends_in_a_run_whose_measures_are_those_of_its_network(
    method: str, photographs: list[Photograph], tmp_path: Path
) -> None:
    folder = tmp_path / "coats"
    wanted = recipe(method, views="both", augmentation=Augmentation(clahe=0.0))
    run = pretrain_backbone(photographs, consecutive_pairs(), wanted, folder, licence="CC0-1.0")
    assert run == read_run(folder)
    assert (run.name, run.method, run.licence, run.species) == ("coats", method, "CC0-1.0", ("drawn",))
    assert run.recipe["loop.epochs"] == 2
    assert {f"knobs.{name}" for name in SMALL[method]} <= run.recipe.keys()
    assert (run.photographs, run.individuals) == (28 - (0 in trained_on(photographs)), 7)
    (after,), (before,) = run.metrics, run.start_metrics
    assert after.queries == before.queries
    assert after.individuals == 3
    _, network = load_network(folder)
    prepared = prepare_crops(photographs, 32, tmp_path / "again.npy")
    rows = [row for row in range(40) if row not in trained_on(photographs) and row not in prepared.failed]
    vectors = embed_crops(network, prepared.crops[rows], SPEC)
    cosines = vectors @ vectors.T
    np.fill_diagonal(cosines, -2.0)
    names = np.array([photographs[row].name for row in rows])
    assert after.top["1"] == pytest.approx((names[cosines.argmax(axis=1)] == names).mean())
    assert not (folder / "checkpoint.pt").exists()
    with pytest.raises(AlreadyExistsError, match="holds a finished training"):
        pretrain_backbone(photographs, consecutive_pairs(), wanted, folder)


def trained_on(photographs: list[Photograph]) -> set[int]:
    """Rows of the photographs that are not held out."""
    labels = np.repeat(np.arange(len(photographs) // EACH), EACH)
    return {*np.flatnonzero(~hold_out(labels, 0.3, seed=0)).tolist()}


def test_a_transformer_learns_from_small_crops_and_is_exported_as_it_was(
    photographs: list[Photograph], tmp_path: Path
) -> None:
    vit = NetworkSpec("test_vit", image_size=32, pooling="default", batch_norm=False)
    wanted = recipe("dino", network=vit, small_crops=1, loop=LoopSettings(epochs=1, batch_size=8))
    pretrain_backbone(photographs, consecutive_pairs(), wanted, tmp_path / "run")
    run, network = load_network(tmp_path / "run")
    assert (run.recipe["small_crops"], run.network) == (1, vit)
    assert network(torch.zeros(1, 3, 32, 32)).shape == (1, run.dimension)
