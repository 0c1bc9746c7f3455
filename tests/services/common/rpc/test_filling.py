from __future__ import annotations

from services.common.rpc import checks
from services.common.rpc.filling import Filling


def test_items_fill_messages_in_order_and_one_that_is_too_large_gets_its_own() -> None:
    third = checks.PAGE_BYTES // 3
    sizes = [third, third, third, 2 * checks.PAGE_BYTES, 1, third]
    filling = Filling[list[int]]([], list)
    for size in sizes:
        filling.with_room(size).append(size)
    assert filling.messages == [[third, third], [third], [2 * checks.PAGE_BYTES], [1, third]]


def test_without_items_there_is_one_message() -> None:
    assert Filling("first", str).messages == ["first"]
