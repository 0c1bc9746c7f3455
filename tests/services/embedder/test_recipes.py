from __future__ import annotations

import math

import pytest

from services.embedder import recipes
from services.embedder.training.jobs import NamedHead
from spotted.errors import InvalidInputError
from spotted.heads.head import PAPER, HeadRecipe
from spotted.v1 import embedder_pb2 as pb


def test_an_empty_recipe_is_the_default_and_a_zero_anchor_is_zero() -> None:
    assert recipes.recipe(pb.HeadRecipe()) == HeadRecipe()
    assert recipes.recipe(pb.HeadRecipe(anchor_weight=0.0)).anchor_weight == 0.0
    plain = pb.HeadRecipe(
        learning_rate=1e-3, positive_weight=1.0, negative_weight=2.0, level_negatives=False, anchor_weight=0.0
    )
    assert recipes.recipe(plain) == PAPER
    assert recipes.recipe(pb.HeadRecipe(rank=7, epochs=3, seed=5)) == HeadRecipe(rank=7, epochs=3, seed=5)


@pytest.mark.parametrize(
    "recipe",
    [
        pb.HeadRecipe(learning_rate=math.nan),
        pb.HeadRecipe(learning_rate=1.5),
        pb.HeadRecipe(rank=recipes.MAX_RANK + 1),
        pb.HeadRecipe(anchor_weight=math.inf),
        pb.HeadRecipe(negative_to=-0.1),
        pb.HeadRecipe(anchor_weight=-1.0),
        pb.HeadRecipe(positive_weight=-1.0),
        pb.HeadRecipe(negative_weight=math.nan),
        pb.HeadRecipe(positive_from=1.5),
        pb.HeadRecipe(positive_from=0.2, negative_to=0.3),
    ],
)
def test_a_recipe_that_cannot_be_used_is_refused_with_its_field(recipe: pb.HeadRecipe) -> None:
    with pytest.raises(InvalidInputError) as caught:
        recipes.recipe(recipe)
    assert caught.value.field.startswith("recipe.")


def test_the_widest_head_is_taken() -> None:
    assert recipes.recipe(pb.HeadRecipe(rank=recipes.MAX_RANK)).rank == recipes.MAX_RANK


def test_a_training_has_its_most_epochs() -> None:
    assert recipes.recipe(pb.HeadRecipe(epochs=recipes.MAX_EPOCHS)).epochs == recipes.MAX_EPOCHS
    with pytest.raises(InvalidInputError, match=r"recipe\.epochs"):
        recipes.recipe(pb.HeadRecipe(epochs=recipes.MAX_EPOCHS + 1))


def test_individuals_make_a_head_and_a_recipe_another() -> None:
    named = [pb.NamedDetections(individual_id="Asha", detection_ids=["d1", "d2", "d1"])]
    request = pb.TrainHeadRequest(individuals=named, use_known_individuals=True)
    assert recipes.job(request) == NamedHead({"d1": "Asha", "d2": "Asha"}, use_known_individuals=True)
    assert recipes.job(pb.TrainHeadRequest(recipe=pb.HeadRecipe(rank=7))) == HeadRecipe(rank=7)


@pytest.mark.parametrize(
    ("request_", "field"),
    [
        (pb.TrainHeadRequest(recipe=pb.HeadRecipe(), use_known_individuals=True), "recipe"),
        (
            pb.TrainHeadRequest(individuals=[pb.NamedDetections(detection_ids=["d1"])]),
            "individuals[0].individual_id",
        ),
        (
            pb.TrainHeadRequest(
                individuals=[
                    pb.NamedDetections(individual_id=name, detection_ids=["d1"]) for name in ("Asha", "Tau")
                ]
            ),
            "individuals[1].detection_ids",
        ),
    ],
)
def test_individuals_that_cannot_be_used_are_refused_with_their_field(
    request_: pb.TrainHeadRequest, field: str
) -> None:
    with pytest.raises(InvalidInputError) as caught:
        recipes.job(request_)
    assert caught.value.field == field


def test_more_detections_than_a_head_needs_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recipes, "MAX_NAMED", 1)
    named = [pb.NamedDetections(individual_id="Asha", detection_ids=["d1", "d2"])]
    with pytest.raises(InvalidInputError, match="individuals is 2; use 0 to 1"):
        recipes.job(pb.TrainHeadRequest(individuals=named))
