"""Centers of a loss taken over from an earlier training, when animals or species are added."""

from __future__ import annotations

from collections.abc import Hashable, Sequence

import torch

from spotted.errors import InvalidInputError
from spotted.training.losses.arcface import SubCenterArcFace


def adopt_centers(
    loss: SubCenterArcFace, names: Sequence[Hashable], known: torch.Tensor, known_names: Sequence[Hashable]
) -> int:
    """Give the classes of a loss the centers that they had; how many had some. New classes keep theirs.

    names: of the classes of the loss, with their species. known: (c, k, d) of the classes `known_names`.
    Raises InvalidInputError if the centers are of another number or dimension.

    >>> import numpy as np
    >>> loss = SubCenterArcFace(dimension=2, margins=np.float32([0.5, 0.5]), sub_centers=1)
    >>> adopt_centers(loss, ["Asha", "Tau"], torch.ones(1, 1, 2), ["Tau"])
    1
    """
    if known.shape[1:] != loss.centers.shape[1:]:
        raise InvalidInputError(
            f"the run has {known.shape[1]} centers of {known.shape[2]} elements for each animal, not "
            f"{loss.centers.shape[1]} of {loss.centers.shape[2]}; keep the number of sub-centers",
            field="sub_centers",
        )
    index = {name: row for row, name in enumerate(known_names)}
    adopted = 0
    with torch.no_grad():
        for row, name in enumerate(names):
            if name in index:
                loss.centers[row] = known[index[name]]
                adopted += 1
    return adopted
