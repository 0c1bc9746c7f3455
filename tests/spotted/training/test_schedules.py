from __future__ import annotations

import math

import pytest

from spotted.training.schedules import Constant, WarmupCosine, WarmupDecay


def test_the_papers_rates_are_those_of_its_words() -> None:
    schedule = WarmupDecay()
    rate = 1.5e-5
    for epoch in range(15):
        assert schedule.rate(epoch) == pytest.approx(rate, rel=1e-6)
        rate += (1.5e-3 - 1.5e-5) / 15
    for epoch in range(15, 40):
        assert schedule.rate(epoch) == pytest.approx(rate, rel=1e-6)
        rate *= 0.8


def test_without_warm_up_the_first_rate_is_the_peak() -> None:
    assert WarmupDecay(warm_up_epochs=0).rate(0) == 1.5e-3
    assert WarmupCosine(peak=2.0, epochs=10).rate(0) == 2.0


def test_the_cosine_is_half_a_wave_between_its_ends() -> None:
    schedule = WarmupCosine(peak=0.4, epochs=50, warm_up_epochs=10, start=0.1, end=0.2)
    assert schedule.rate(5) == pytest.approx(0.25, rel=1e-6)
    for epoch in range(10, 51):
        expected = 0.2 + 0.2 * (0.5 + 0.5 * math.cos(math.pi * (epoch - 10) / 40))
        assert schedule.rate(epoch) == pytest.approx(expected, rel=1e-6)
    assert schedule.rate(80) == schedule.rate(50)


def test_a_constant_rate_stays() -> None:
    assert {Constant(0.3).rate(epoch) for epoch in (0, 1.5, 100)} == {0.3}
