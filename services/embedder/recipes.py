"""Recipes of adaptation heads, and the individuals that they are made from, from their messages."""

from __future__ import annotations

from typing import Literal

from services.common.rpc import checks
from services.embedder.training.jobs import Job, NamedHead
from spotted.errors import InvalidInputError
from spotted.heads.head import HeadRecipe
from spotted.v1 import embedder_pb2

# a head of this rank on vectors of 1,280 elements takes 10 MiB; a wider one is no bottleneck
MAX_RANK = 1024
# days on one core for a large survey; the 300 epochs of the paper take minutes
MAX_EPOCHS = 10_000
# the covariance of 1,280 elements does not change with more
MAX_NAMED = 50_000
WEIGHTS: tuple[Literal["anchor_weight"], Literal["positive_weight"], Literal["negative_weight"]]
WEIGHTS = ("anchor_weight", "positive_weight", "negative_weight")


def job(request: embedder_pb2.TrainHeadRequest) -> Job:
    """The work of a training. Raises InvalidInputError with the field of an invalid value."""
    if not request.individuals and not request.use_known_individuals:
        return recipe(request.recipe)
    if request.HasField("recipe"):
        raise InvalidInputError(
            "a recipe is for a head from places and times; omit it, or the individuals", field="recipe"
        )
    names: dict[str, str] = {}
    for index, one in enumerate(request.individuals):
        if not one.individual_id:
            raise InvalidInputError(
                "an individual has no individual_id; give it any name",
                field=f"individuals[{index}].individual_id",
            )
        for detection_id in one.detection_ids:
            if names.setdefault(detection_id, one.individual_id) != one.individual_id:
                raise InvalidInputError(
                    f"detection {detection_id!r} is of two individuals; leave it out of one",
                    field=f"individuals[{index}].detection_ids",
                )
    checks.between(len(names), 0, MAX_NAMED, "individuals")
    return NamedHead(names, request.use_known_individuals)


def recipe(message: embedder_pb2.HeadRecipe) -> HeadRecipe:
    """A recipe; 0 stands for the default. Raises InvalidInputError with the field of an invalid value."""
    default = HeadRecipe()
    checks.between(message.rank, 0, MAX_RANK, "recipe.rank")
    checks.between(message.epochs, 0, MAX_EPOCHS, "recipe.epochs")
    checks.finite(message.learning_rate, "recipe.learning_rate", least=0.0, most=1.0)
    for weight in WEIGHTS:
        checks.finite(getattr(message, weight), f"recipe.{weight}", least=0.0)
    checks.finite(message.positive_from, "recipe.positive_from", least=0.0, most=1.0)
    checks.finite(message.negative_to, "recipe.negative_to", least=0.0, most=1.0)
    chosen = HeadRecipe(
        rank=message.rank or default.rank,
        epochs=message.epochs or default.epochs,
        learning_rate=message.learning_rate or default.learning_rate,
        positive_from=message.positive_from or default.positive_from,
        negative_to=message.negative_to if message.HasField("negative_to") else default.negative_to,
        level_negatives=message.level_negatives
        if message.HasField("level_negatives")
        else default.level_negatives,
        seed=message.seed,
        # a weight of 0 is valid, so presence decides
        **{weight: getattr(message if message.HasField(weight) else default, weight) for weight in WEIGHTS},
    )
    if chosen.negative_to >= chosen.positive_from:
        raise InvalidInputError(
            f"recipe.negative_to {chosen.negative_to} is not below positive_from {chosen.positive_from}; "
            "lower it or raise positive_from",
            field="recipe.negative_to",
        )
    return chosen
