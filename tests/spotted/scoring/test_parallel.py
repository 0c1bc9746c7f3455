from __future__ import annotations

import threading

import pytest

from spotted.scoring.parallel import map_ahead, open_runner
from tests.waiting import PATIENCE_S


@pytest.mark.parametrize("threads", [1, 3])
def test_answers_come_in_the_order_of_the_items(threads: int) -> None:
    with open_runner(threads) as run:
        assert list(run(lambda i: i * i, range(50))) == [i * i for i in range(50)]


def test_two_threads_work_at_once() -> None:
    meeting = threading.Barrier(2, timeout=PATIENCE_S)
    with open_runner(2) as run:
        assert sorted(run(lambda _: meeting.wait(), range(2))) == [0, 1]


@pytest.mark.parametrize("threads", [1, 2])
def test_an_error_in_one_item_is_raised(threads: int) -> None:
    with open_runner(threads) as run, pytest.raises(ZeroDivisionError):
        list(run(lambda i: 1 // i, [1, 0]))


def test_answers_come_in_order_while_few_wait_to_be_taken() -> None:
    begun: list[int] = []

    def work(item: int) -> int:
        begun.append(item)
        return item * item

    seen = 0
    for answer in map_ahead(work, range(50), 2):
        assert answer == seen * seen
        seen += 1
        # those taken, and at most threads + 1 more
        assert len(begun) <= seen + 3
    assert seen == 50


def test_the_first_error_ahead_ends_all() -> None:
    with pytest.raises(ZeroDivisionError):
        list(map_ahead(lambda item: 1 // (item - 3), range(10), 2))
