"""Finished trainings of the user's own, as backbones to export."""

from __future__ import annotations

import re
from pathlib import Path

from services.embedder.export.architectures import ARCHITECTURES, Architecture
from services.embedder.export.checkpoints import Weights, from_file
from spotted.errors import InvalidInputError, PreconditionError
from spotted.training.runs import read_run
from spotted.training.runs.folder import WEIGHTS_FILE

# a name is that of a folder, too
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


def from_run(folder: Path) -> tuple[Architecture, Weights]:
    """The backbone of a finished training, and its weights.

    Raises NotFoundError if the folder holds none, InvalidInputError if its name cannot be that of a backbone,
    PreconditionError if the weights are not those that were written with it.
    """
    run = read_run(folder)
    if not NAME.fullmatch(run.name) or run.name in ARCHITECTURES:
        reason = "is a published backbone" if run.name in ARCHITECTURES else "cannot be the name of a folder"
        raise InvalidInputError(
            f'the run {run.name!r} in {folder} {reason}; set another "name" in its run.json', field="model_id"
        )
    weights = from_file(folder / WEIGHTS_FILE)
    if weights.sha256 != run.weights_sha256:
        raise PreconditionError(
            f"{weights.path} is not the file that was written with run.json; copy the folder of the run again"
        )
    network = run.network
    architecture = Architecture(
        model_id=run.name,
        family="trained",
        network=network.name,
        input_size=network.image_size,
        dimension=run.dimension,
        mean=network.mean,
        std=network.std,
        # as spotted.training.images.crops resizes
        resize_kernel="bilinear",
        licence=run.licence,
        hub_id=None,
        trained=network,
    )
    source = (
        f"trained by {run.method} on {run.photographs} photographs of {run.individuals} animals (recipe "
        f"{run.recipe_sha256[:12]}), started from {run.start or 'random weights'}"
    )
    return architecture, Weights(weights.path, weights.sha256, source)
