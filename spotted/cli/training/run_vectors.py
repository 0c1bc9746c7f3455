"""Vectors of photographs by a finished training that has not been exported."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from spotted.arrays import Float32Array
from spotted.boxes.cropping import FractionBox
from spotted.cli.training.options import require_training
from spotted.console import progress
from spotted.formats.picture import Picture


def embed_by_run(folder: Path, pictures: Sequence[Picture]) -> dict[int, Float32Array]:
    """The vector of each picture that can be read, by its row.

    Raises NotFoundError if the folder holds no finished training, PreconditionError if a package is missing
    or the weights are of another run, InvalidInputError if no picture can be read.
    """
    require_training()
    from spotted.training import Photograph, embed_crops, load_network, prepare_crops  # noqa: PLC0415 - imports torch

    run, network = load_network(folder)
    rows = [row for row, picture in enumerate(pictures) if picture.path is not None]
    photographs = [
        Photograph(one.detection.detection_id, one.path, None if one.box is None else FractionBox(*one.box))
        for one in pictures
        if one.path is not None
    ]
    with TemporaryDirectory() as scratch, progress(folder.name, len(rows)) as advance:
        path = Path(scratch) / "crops.npy"
        prepared = prepare_crops(photographs, run.network.image_size, path, on_progress=advance)
        vectors = embed_crops(network, prepared.crops, run.network)
    return {row: vectors[index] for index, row in enumerate(rows) if index not in prepared.failed}
