"""Photographs whose name may be wrong: far from the center at which most of their animal's photographs are.

Deng et al. 2020, section 3.4, as in `get_outliers` of pytorch-metric-learning.
"""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch

from spotted.arrays import Float32Array, IntArray
from spotted.errors import PreconditionError
from spotted.training.photographs.photograph import Photograph

DOUBTFUL_FILE = "doubtful_names.csv"
LEAST_ANGLE_DEG = 75.0
TITLES = ("photograph", "path", "name", "angle_deg")


def find_doubtful(
    vectors: Float32Array,
    labels: IntArray,
    centers: torch.Tensor,
    *,
    least_angle_deg: float = LEAST_ANGLE_DEG,
) -> list[tuple[int, float]]:
    """Rows of the photographs in doubt with their angle to the main center, degrees, the largest first.

    vectors: (n, d) unit rows. labels: (n,) classes. centers: (c, k, d).
    """
    try:
        from pytorch_metric_learning.losses import SubCenterArcFaceLoss  # noqa: PLC0415 - an extra
    except ImportError as error:
        raise PreconditionError(
            "pytorch-metric-learning is not installed; install the extra `train`: "
            "pip install 'spotted[train]'"
        ) from error
    classes, each, dimension = centers.shape
    loss = SubCenterArcFaceLoss(num_classes=classes, embedding_size=dimension, sub_centers=each)
    loss.W.data = centers.reshape(-1, dimension).T.to(torch.float32)
    rows, main = loss.get_outliers(
        torch.from_numpy(vectors), torch.from_numpy(labels), threshold=least_angle_deg
    )
    found = rows.numpy().astype(np.int64)
    directions = torch.nn.functional.normalize(main, dim=0).numpy().T
    cosines = (vectors[found] * directions[labels[found]]).sum(axis=1).clip(-1.0, 1.0)
    angles = np.degrees(np.arccos(cosines))
    order = np.argsort(-angles, kind="stable")
    return [(int(found[index]), float(angles[index])) for index in order]


def write_doubtful(folder: Path, doubtful: Sequence[tuple[Photograph, float]]) -> None:
    """Write a table of photographs and angles."""
    with (folder / DOUBTFUL_FILE).open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(TITLES)
        for photograph, angle in doubtful:
            writer.writerow([photograph.photograph_id, photograph.path, photograph.name, f"{angle:.1f}"])
