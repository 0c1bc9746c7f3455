from __future__ import annotations

from benchmarks.review.browser import Person
from benchmarks.review.site import HEIGHT, QUALITY, WIDTH
from benchmarks.review.waits import FIRST_S, KEY_MS, judged, spread


def test_the_spread_is_median_ninety_five_per_cent_and_maximum() -> None:
    assert spread([float(n) for n in range(101)]) == (50.0, 95.0, 100.0)


def test_each_bar_is_held_or_missed_by_its_own_figure() -> None:
    fast = Person(FIRST_S / 2, (KEY_MS / 2,) * 3, {})
    slow = Person(2 * FIRST_S, (2 * KEY_MS,) * 3, {})
    assert [bar.held for bar in judged(fast, [1.0])] == [True] * 3
    assert [bar.held for bar in judged(slow, [1000.0])] == [False] * 3


def test_the_photographs_have_twelve_megapixels() -> None:
    assert WIDTH * HEIGHT == 12_000_000
    assert QUALITY < 100
