import math

import pytest
import torch
from torch import nn

from spotted.training.methods.momentum import Follower, rising_momentum


def test_a_follower_moves_by_its_momentum_and_has_no_gradient() -> None:
    torch.manual_seed(0)
    leader = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4))
    follower = Follower(leader)
    before = [p.clone() for p in follower.network.parameters()]
    with torch.no_grad():
        for parameter in leader.parameters():
            parameter.add_(torch.randn_like(parameter))
    follower.follow(leader, momentum=0.9)
    for own, was, other in zip(follower.network.parameters(), before, leader.parameters(), strict=True):
        torch.testing.assert_close(own, 0.9 * was + 0.1 * other)
        assert not own.requires_grad
    assert not follower(torch.randn(5, 3)).requires_grad


@pytest.mark.parametrize("share", [0.0, 0.25, 0.5, 1.0])
def test_momentum_rises_along_half_a_cosine(share: float) -> None:
    expected = 1.0 - 0.004 * (1.0 + math.cos(math.pi * share)) / 2.0
    assert rising_momentum(0.996, share) == pytest.approx(expected, abs=1e-12)
