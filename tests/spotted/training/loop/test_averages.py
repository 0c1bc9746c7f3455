from __future__ import annotations

import torch

from spotted.training.loop.averages import WeightAverage
from spotted.training.loop.objective import Position
from spotted.training.loop.settings import Averaging
from spotted.training.schedules import Constant
from tests.spotted.training.small import small_network, weight_of


def test_without_an_average_the_network_is_the_best() -> None:
    network = small_network()
    average = WeightAverage(network, Averaging())
    average.after_step(network, Position(1, 2, 0.5))
    assert average.best(network) is network
    assert average.rate(Constant(0.5), 100.0) == 0.5
    assert not average.state()


def test_before_the_first_averaged_epoch_the_network_is_the_best() -> None:
    network = small_network()
    average = WeightAverage(network, Averaging("swa", from_epoch=2, rate=0.1))
    average.after_step(network, Position(2, 8, 2.0))
    assert average.best(network) is network
    average.after_step(network, Position(3, 8, 3.0))
    best = average.best(network)
    assert best is not network
    assert torch.equal(weight_of(best), weight_of(network))
    assert [average.rate(Constant(0.5), epoch) for epoch in (1.9, 2.0)] == [0.5, 0.1]
