from __future__ import annotations

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.embedder.inference.fair_queue import Admission, FairQueue, Share
from tests.services.embedder.noted import Noted

KRUGER, ETOSHA, BULK = Share("kruger", bulk=False), Share("etosha", bulk=False), Share("kruger", bulk=True)


def admitted(admission: Admission, share: Share, size: int = 0) -> int:
    """Number of items of a share that are admitted before one is refused."""
    count = 0
    while admission.admit(share, size):
        count += 1
    return count


def test_one_share_fills_half_two_a_third_each() -> None:
    admission = Admission(max_items=12, max_bytes=1000)
    assert admitted(admission, KRUGER) == 6
    assert admitted(admission, ETOSHA) == 3
    assert admitted(admission, BULK) >= 1


def test_bytes_are_shared_as_items_are() -> None:
    admission = Admission(max_items=100, max_bytes=120)
    assert admitted(admission, KRUGER, 10) == 6
    assert admitted(admission, ETOSHA, 10) == 3


def test_each_part_of_an_item_takes_room() -> None:
    admission = Admission(max_items=12, max_bytes=1000)
    assert admission.admit(KRUGER, 1, 5)
    assert not admission.admit(KRUGER, 1, 3)
    assert admission.admit(KRUGER, 1, 2)
    assert admission.admit(ETOSHA, 1, 4)
    admission.leave(KRUGER, 1, 5)
    admission.leave(KRUGER, 1, 2)
    admission.leave(ETOSHA, 1, 4)
    # more than the whole room, with nothing else inside
    assert admission.admit(KRUGER, 1, 20)
    assert not admission.admit(ETOSHA, 1)


def test_an_item_larger_than_the_room_passes_alone() -> None:
    admission = Admission(max_items=4, max_bytes=10)
    assert admission.admit(KRUGER, 50)
    assert not admission.admit(ETOSHA, 1)
    admission.leave(KRUGER, 50)
    assert admission.admit(ETOSHA, 1)


def test_who_waits_comes_in_as_room_is_made_in_the_order_of_their_share() -> None:
    async def run() -> list[int]:
        admission = Admission(max_items=2, max_bytes=100)
        came: list[int] = []

        async def come(number: int) -> None:
            await admission.wait(BULK, 1)
            came.append(number)
            admission.leave(BULK, 1)

        assert admission.admit(BULK, 1)
        tasks = [asyncio.create_task(come(number)) for number in range(5)]
        await asyncio.sleep(0)
        assert came == []
        # nor does one that does not wait jump the queue of its share
        assert not admission.admit(BULK, 1)
        admission.leave(BULK, 1)
        await asyncio.gather(*tasks)
        return came

    assert asyncio.run(run()) == [0, 1, 2, 3, 4]


@pytest.mark.parametrize("late", [False, True])
def test_who_stops_waiting_leaves_nothing_behind(*, late: bool) -> None:
    async def run() -> None:
        admission = Admission(max_items=2, max_bytes=100)
        assert admission.admit(KRUGER, 1)
        waiting = asyncio.create_task(admission.wait(KRUGER, 1))
        await asyncio.sleep(0)
        if late:
            # let in, and cancelled before it could run
            admission.leave(KRUGER, 1)
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)
        if not late:
            admission.leave(KRUGER, 1)
        assert admitted(admission, KRUGER) == 1

    asyncio.run(run())


@given(st.lists(st.tuples(st.sampled_from([KRUGER, ETOSHA, BULK]), st.integers(0, 40)), max_size=60))
def test_the_room_is_never_overfilled_and_empties_again(asked: list[tuple[Share, int]]) -> None:
    admission = Admission(max_items=9, max_bytes=100)
    inside = [(share, size) for share, size in asked if admission.admit(share, size)]
    assert len(inside) <= 9
    assert sum(size for _, size in inside) <= 100
    for share, size in inside:
        admission.leave(share, size)
    assert admitted(admission, KRUGER) == admitted(Admission(9, 100), KRUGER)


def test_shares_are_drawn_in_turn_and_each_in_its_order() -> None:
    queue: FairQueue[str] = FairQueue()
    for item in ("k1", "k2", "k3"):
        queue.push(KRUGER, item)
    queue.push(ETOSHA, "e1")
    queue.push(ETOSHA, "e2")
    assert [queue.pop() for _ in range(5)] == ["k1", "e1", "k2", "e2", "k3"]
    with pytest.raises(KeyError, match="empty"):
        queue.pop()


@given(st.lists(st.tuples(st.sampled_from([KRUGER, ETOSHA, BULK]), st.booleans()), max_size=40))
def test_nothing_is_lost_and_what_is_discarded_is_gone(pushed: list[tuple[Share, bool]]) -> None:
    queue: FairQueue[int] = FairQueue()
    for item, (share, _) in enumerate(pushed):
        queue.push(share, item)
    for item, (share, dropped) in enumerate(pushed):
        if dropped:
            queue.discard(share, item)
            queue.discard(share, item)
    kept = [item for item, (_, dropped) in enumerate(pushed) if not dropped]
    assert len(queue) == len(kept)
    drawn = [queue.pop() for _ in range(len(queue))]
    assert sorted(drawn) == kept
    for share in {share for share, _ in pushed}:
        assert [i for i in drawn if pushed[i][0] == share] == [i for i in kept if pushed[i][0] == share]


def test_reports_follow_what_waits_and_what_it_holds() -> None:
    reports = Noted()
    admission, queue = Admission(4, 100, reports), FairQueue[str](reports)
    assert admission.admit(KRUGER, 30)
    for item in ("a", "b", "c"):
        queue.push(KRUGER, item)
    queue.pop()
    queue.discard(KRUGER, "c")
    assert reports.sums == {"room": 4, "held": 30, "waiting": 1}
    admission.leave(KRUGER, 30)
    queue.pop()
    assert reports.sums == {"room": 4, "held": 0, "waiting": 0}
