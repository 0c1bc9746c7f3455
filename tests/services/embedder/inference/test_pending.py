from __future__ import annotations

import asyncio

import pytest

from services.embedder.inference.pending import Delivery, Finished, Pending, Timings, deliver_soon


def test_the_caller_wakes_with_the_last_part_and_gets_them_in_order() -> None:
    async def run() -> None:
        pending: Pending[str, int] = Pending("item", 3, asyncio.get_running_loop().create_future())
        error = ValueError("second")
        deliver_soon([Delivery(pending, 2, _finished(20)), Delivery(pending, 1, error)])
        await asyncio.sleep(0)
        assert not pending.future.done()
        deliver_soon([Delivery(pending, 0, _finished(0))])
        assert await pending.future == [_finished(0), error, _finished(20)]

    asyncio.run(run())


def test_an_error_of_the_item_wakes_the_caller_and_one_that_left_is_not_disturbed() -> None:
    async def run() -> None:
        loop = asyncio.get_running_loop()
        torn: Pending[str, int] = Pending("torn", 3, loop.create_future())
        left: Pending[str, int] = Pending("left", 1, loop.create_future())
        left.future.cancel()
        deliver_soon(
            [
                Delivery(torn, None, OSError("torn")),
                Delivery(left, None, OSError("torn")),
                Delivery(left, 0, _finished(1)),
            ]
        )
        with pytest.raises(OSError, match="torn"):
            await torn.future
        assert left.future.cancelled()
        # parts that were on their way to a failed item change nothing
        for index in range(3):
            torn.settle(index, _finished(index))

    asyncio.run(run())


def test_the_time_of_a_part_is_that_of_its_item_and_its_batch() -> None:
    async def run() -> None:
        pending: Pending[str, int] = Pending(
            "item", 1, asyncio.get_running_loop().create_future(), submitted_s=100.0
        )
        pending.prepared(103.0)
        pending.prepared_s, pending.ready_s = 2.0, 105.0
        found = pending.finished(7, 109.0, 0.5)
        assert found == Finished(7, Timings(queued_s=3.0 + 4.0, prepared_s=2.0, worked_s=0.5))
        error = ValueError("none")
        assert pending.finished(error, 109.0, 0.5) is error

    asyncio.run(run())


def _finished(result: int) -> Finished[int]:
    return Finished(result, Timings(0.0, 0.0, 0.0))
