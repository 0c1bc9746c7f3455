from __future__ import annotations

import threading
from collections import OrderedDict

from hypothesis import given
from hypothesis import strategies as st

from services.common.store.cache import Recent


class Box:
    def __init__(self, size: int = 0) -> None:
        self.size = size


def size(box: Box) -> int:
    return box.size


def test_a_value_is_made_once_and_kept() -> None:
    recent: Recent[str, Box] = Recent(10, size)
    first = recent.get("a", Box)
    assert recent.get("a", Box) is first
    recent.drop("a")
    recent.drop("a")
    assert recent.get("a", Box) is not first


def test_one_that_grew_after_it_was_handed_out_makes_the_others_leave() -> None:
    gone: list[tuple[str, int]] = []
    recent: Recent[str, Box] = Recent(10, size, left=lambda key, taken: gone.append((key, taken)))
    recent.get("a", lambda: Box(4))
    grown = recent.get("b", lambda: Box(1))
    grown.size = 9
    recent.get("c", lambda: Box(0))
    assert gone == [("a", 4)]
    assert recent.state() == (2, 9)


def test_the_one_asked_for_stays_whatever_its_size() -> None:
    recent: Recent[str, Box] = Recent(10, size)
    assert recent.get("large", lambda: Box(100)).size == 100
    recent.get("small", lambda: Box(1))
    assert recent.state() == (1, 1)


def test_what_was_not_used_for_long_leaves_when_another_is_asked_for() -> None:
    now = [0.0]
    gone: list[str] = []
    recent: Recent[str, Box] = Recent(
        10, size, left=lambda key, _: gone.append(key), idle_s=60.0, clock=lambda: now[0]
    )
    for at_s, key in ((0, "a"), (30, "b"), (60, "a"), (91, "c"), (121, "c")):
        now[0] = at_s
        recent.get(key, Box)
    assert (gone, list(recent)) == (["b", "a"], ["c"])


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 6)), max_size=40))
def test_what_stays_is_what_a_plain_loop_keeps(uses: list[tuple[int, int]]) -> None:
    recent: Recent[int, Box] = Recent(10, size)
    plain: OrderedDict[int, int] = OrderedDict()
    for key, weight in uses:
        recent.get(key, lambda weight=weight: Box(weight))  # type: ignore[misc] # bound at once
        plain.setdefault(key, weight)
        plain.move_to_end(key)
        while sum(plain.values()) > 10 and len(plain) > 1:
            plain.popitem(last=False)
        assert recent.state() == (len(plain), sum(plain.values()))


def test_many_threads_get_the_same_value() -> None:
    recent: Recent[str, Box] = Recent(10, size)
    got: list[Box] = []
    threads = [threading.Thread(target=lambda: got.append(recent.get("a", Box))) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(map(id, got))) == 1
