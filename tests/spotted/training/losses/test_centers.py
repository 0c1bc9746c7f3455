from __future__ import annotations

import numpy as np
import pytest
import torch

from spotted.errors import InvalidInputError
from spotted.training.losses.arcface import SubCenterArcFace
from spotted.training.losses.centers import adopt_centers


def test_known_animals_keep_their_centers_and_new_ones_get_their_own() -> None:
    loss = SubCenterArcFace(dimension=4, margins=np.full(3, 0.5, np.float32), sub_centers=2)
    before = loss.centers.detach().clone()
    known = torch.arange(16.0).reshape(2, 2, 4)
    assert adopt_centers(loss, ["Tau", "new", "Asha"], known, ["Asha", "Tau"]) == 2
    assert torch.equal(loss.centers, torch.stack([known[1], before[1], known[0]]))
    assert loss.centers.requires_grad


def test_centers_of_another_form_are_refused() -> None:
    loss = SubCenterArcFace(dimension=4, margins=np.full(3, 0.5, np.float32), sub_centers=2)
    with pytest.raises(InvalidInputError, match="the run has 3 centers of 4 elements for each animal, not 2"):
        adopt_centers(loss, ["a", "b", "c"], torch.zeros(1, 3, 4), ["a"])
