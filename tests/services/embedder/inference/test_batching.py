from __future__ import annotations

import asyncio
import threading
from collections.abc import Sequence
from itertools import chain

import pytest

from services.embedder.inference.batching import Batcher
from services.embedder.inference.fair_queue import Share
from services.embedder.inference.limits import Limits
from services.embedder.inference.pending import Finished
from spotted.errors import DeadlineError, OverloadedError, UnavailableError, UnreadableImageError
from tests.waiting import PATIENCE_S, until

# far beyond any run: a broken batcher fails instead of hanging
ONE = Share("one", bulk=False)
BULK = Share("one", bulk=True)
OTHER = Share("other", bulk=False)


class Doubling:
    """Doubles numbers; blocks its threads at a gate until it is opened, and records its inputs."""

    def __init__(self, *, open_at_start: bool = True) -> None:
        self.gate = threading.Event()
        self.entered = threading.Semaphore(0)
        self.readied = threading.Semaphore(0)
        self.prepared: list[int] = []
        self.batches: list[list[int]] = []
        if open_at_start:
            self.gate.set()

    def prepare(self, number: int) -> list[int | Exception]:
        self.prepared.append(number)
        self.readied.release()
        if number < 0:
            raise UnreadableImageError(f"{number} is negative")
        return [number]

    def work(self, numbers: Sequence[int]) -> Sequence[int | Exception]:
        self.batches.append(list(numbers))
        self.entered.release()
        assert self.gate.wait(PATIENCE_S)
        if 13 in numbers:
            raise RuntimeError("the whole batch")
        if 99 in numbers:
            return []
        return [ValueError("odd one out") if number == 7 else 2 * number for number in numbers]

    async def entry(self) -> None:
        """Wait until a thread has entered `work`."""
        assert await asyncio.to_thread(self.entered.acquire, timeout=PATIENCE_S)

    def batcher(
        self, *, workers: int = 1, runs: int | None = None, max_batch: int = 8, max_queue: int = 64
    ) -> Batcher[int, int, int]:
        limits = Limits(
            workers,
            runs=runs or workers,
            claim=1 if runs else max_batch,
            max_batch=max_batch,
            max_queue=max_queue,
        )
        return Batcher(self.prepare, self.work, limits)


async def behind_one(
    doubling: Doubling, batcher: Batcher[int, int, int], numbers: Sequence[int]
) -> list[object]:
    """The result or error of each number, all submitted while the number 0 blocks the one worker."""
    first = asyncio.create_task(batcher.submit(0, ONE))
    await doubling.entry()
    rest = [asyncio.create_task(batcher.submit(number, ONE)) for number in numbers]
    # each task runs up to its wait
    await asyncio.sleep(0)
    assert batcher.waiting == len(numbers)
    doubling.gate.set()
    await first
    met = await asyncio.gather(*rest, return_exceptions=True)
    await batcher.close()
    return [one if isinstance(one, BaseException) else one.result for one in met]


def test_every_caller_gets_its_own_result() -> None:
    async def run() -> None:
        doubling = Doubling()
        batcher = doubling.batcher(workers=3, max_batch=4, max_queue=1000)
        found = await asyncio.gather(*(batcher.submit(number, ONE) for number in range(100, 600)))
        assert [one.result for one in found] == [2 * number for number in range(100, 600)]
        assert sorted(doubling.prepared) == list(range(100, 600))
        await batcher.close()

    asyncio.run(run())


def test_a_lone_item_does_not_wait_for_company() -> None:
    async def run() -> None:
        batcher = Doubling().batcher(max_batch=8)
        assert (await asyncio.wait_for(batcher.submit(4, ONE), PATIENCE_S)).result == 8
        await batcher.close()

    asyncio.run(run())


def test_the_thread_that_prepares_a_lone_item_runs_it() -> None:
    async def run() -> None:
        threads: list[int] = []

        def prepare(number: int) -> list[int | Exception]:
            threads.append(threading.get_ident())
            return [number]

        def work(numbers: Sequence[int]) -> Sequence[int | Exception]:
            threads.append(threading.get_ident())
            return list(numbers)

        batcher = Batcher(prepare, work, Limits(2, runs=2, claim=4, max_batch=4))
        for _ in range(20):
            # a thread that was woken for nothing would take the item that another one prepared
            until(lambda: batcher._idle == 2, "both threads wait")
            threads.clear()
            await batcher.submit(1, ONE)
            first, second = threads
            assert first == second
        await batcher.close()

    asyncio.run(run())


def test_what_arrives_during_a_batch_forms_the_next() -> None:
    doubling = Doubling(open_at_start=False)

    async def run() -> list[object]:
        return await behind_one(doubling, doubling.batcher(max_batch=3), [1, 2, 3, 4])

    assert asyncio.run(run()) == [2, 4, 6, 8]
    assert doubling.batches == [[0], [1, 2, 3], [4]]


def test_a_second_worker_works_while_the_first_is_busy() -> None:
    async def run() -> None:
        doubling = Doubling(open_at_start=False)
        batcher = doubling.batcher(workers=2)
        tasks = [asyncio.create_task(batcher.submit(1, ONE))]
        await doubling.entry()
        tasks.append(asyncio.create_task(batcher.submit(2, ONE)))
        await doubling.entry()
        assert doubling.batches == [[1], [2]]
        doubling.gate.set()
        assert [one.result for one in await asyncio.gather(*tasks)] == [2, 4]
        await batcher.close()

    asyncio.run(run())


def test_an_item_that_cannot_be_prepared_fails_alone() -> None:
    doubling = Doubling(open_at_start=False)

    async def run() -> list[object]:
        return await behind_one(doubling, doubling.batcher(), [1, -5, 3])

    first, refused, last = asyncio.run(run())
    assert (first, last) == (2, 6)
    assert isinstance(refused, UnreadableImageError)
    assert str(refused) == "-5 is negative"
    assert doubling.batches == [[0], [1, 3]]


def test_an_exception_among_the_results_fails_its_item_alone() -> None:
    doubling = Doubling(open_at_start=False)

    async def run() -> list[object]:
        return await behind_one(doubling, doubling.batcher(), [6, 7, 8])

    first, failed, last = asyncio.run(run())
    assert (first, last) == (12, 16)
    assert isinstance(failed, ValueError)


@pytest.mark.parametrize(("number", "message"), [(13, "the whole batch"), (99, "2 items gave 0 results")])
def test_a_batch_that_fails_leaves_the_worker_alive(number: int, message: str) -> None:
    doubling = Doubling(open_at_start=False)

    async def run() -> list[object]:
        return await behind_one(doubling, doubling.batcher(max_batch=2), [1, number, 5])

    *failed, last = asyncio.run(run())
    assert [str(error) for error in failed] == [message, message]
    assert last == 10


def test_a_full_queue_refuses_and_says_when_to_return() -> None:
    async def run() -> None:
        doubling = Doubling(open_at_start=False)
        batcher = doubling.batcher(max_queue=6)
        admitted = [asyncio.create_task(batcher.submit(number, ONE)) for number in range(3)]
        await asyncio.sleep(0)
        with pytest.raises(OverloadedError, match="share of survey 'one' is full") as refused:
            await batcher.submit(9, ONE)
        assert refused.value.retry_after_s > 0
        doubling.gate.set()
        assert [one.result for one in await asyncio.gather(*admitted)] == [0, 2, 4]
        assert (await batcher.submit(9, ONE)).result == 18
        await batcher.close()
        assert doubling.prepared == [0, 1, 2, 9]

    asyncio.run(run())


def test_the_delay_of_a_refusal_counts_the_parts_that_wait() -> None:
    async def run() -> None:
        doubling = Doubling(open_at_start=False)
        batcher = doubling.batcher(max_queue=9)
        tasks = [asyncio.create_task(batcher.submit(0, ONE))]
        await doubling.entry()
        for left in (False, True):
            tasks += [asyncio.create_task(batcher.submit(number, ONE)) for number in range(5 - len(tasks))]
            await asyncio.sleep(0)
            with pytest.raises(OverloadedError) as refused:
                await batcher.submit(9, ONE)
            # the one at work does not wait; nothing was timed yet, so each part counts as 0.1 s
            assert refused.value.retry_after_s == pytest.approx(0.4)
            if not left:
                tasks.pop().cancel()
                await asyncio.sleep(0)
        doubling.gate.set()
        await asyncio.gather(*tasks)
        with batcher._changed:
            assert batcher._queued_parts == 0
        await batcher.close()

    asyncio.run(run())


def test_bulk_work_waits_and_leaves_room_for_single_calls() -> None:
    async def run() -> None:
        doubling = Doubling(open_at_start=False)
        batcher = doubling.batcher(max_batch=1, max_queue=4)
        bulk = [asyncio.create_task(batcher.submit(number, BULK)) for number in range(20, 40)]
        await doubling.entry()
        # half of the queue: one is being worked on, one waits
        assert batcher.waiting == 1
        single = asyncio.create_task(batcher.submit(50, ONE))
        await asyncio.sleep(0)
        assert batcher.waiting == 2
        doubling.gate.set()
        assert (await single).result == 100
        assert [one.result for one in await asyncio.gather(*bulk)] == [2 * number for number in range(20, 40)]
        # two of the bulk at most were before it
        assert doubling.batches.index([50]) <= 2
        await batcher.close()

    asyncio.run(run())


def test_surveys_are_served_in_turn_however_much_one_asks_for() -> None:
    async def run() -> None:
        doubling = Doubling(open_at_start=False)
        batcher = doubling.batcher(max_batch=1)
        busy = [asyncio.create_task(batcher.submit(number, ONE)) for number in range(20, 30)]
        await doubling.entry()
        other = [asyncio.create_task(batcher.submit(number, OTHER)) for number in (50, 51)]
        await asyncio.sleep(0)
        doubling.gate.set()
        await asyncio.gather(*busy, *other)
        assert [batch[0] for batch in doubling.batches[:6]] == [20, 21, 50, 22, 51, 23]
        await batcher.close()

    asyncio.run(run())


def test_bytes_fill_the_queue_as_items_do() -> None:
    async def run() -> None:
        doubling = Doubling(open_at_start=False)
        limits = Limits(workers=1, runs=1, claim=1, max_batch=1, max_queue_bytes=100)
        batcher = Batcher(doubling.prepare, doubling.work, limits)
        large = asyncio.create_task(batcher.submit(1, ONE, size=60))
        await doubling.entry()
        with pytest.raises(OverloadedError):
            await batcher.submit(2, ONE, size=10)
        small = asyncio.create_task(batcher.submit(3, OTHER, size=40))
        await asyncio.sleep(0)
        doubling.gate.set()
        assert [(await one).result for one in (large, small)] == [2, 6]
        await batcher.close()

    asyncio.run(run())


def test_threads_that_wait_for_the_one_device_prepare_its_next_batch() -> None:
    async def run() -> None:
        doubling = Doubling(open_at_start=False)
        batcher = doubling.batcher(workers=3, runs=1, max_batch=4)
        tasks = [asyncio.create_task(batcher.submit(0, ONE))]
        await doubling.entry()
        tasks += [asyncio.create_task(batcher.submit(number, ONE)) for number in range(1, 5)]
        for _ in range(5):
            assert await asyncio.to_thread(doubling.readied.acquire, timeout=PATIENCE_S)
        assert doubling.batches == [[0]]
        doubling.gate.set()
        assert [one.result for one in await asyncio.gather(*tasks)] == [0, 2, 4, 6, 8]
        await batcher.close()
        assert sorted(doubling.batches[1]) == [1, 2, 3, 4]

    asyncio.run(run())


def test_a_cancelled_item_is_dropped_before_it_costs_anything() -> None:
    async def run() -> None:
        doubling = Doubling(open_at_start=False)
        batcher = doubling.batcher(max_queue=4)
        first = asyncio.create_task(batcher.submit(1, ONE))
        await doubling.entry()
        leaving = asyncio.create_task(batcher.submit(2, ONE))
        await asyncio.sleep(0)
        leaving.cancel()
        with pytest.raises(asyncio.CancelledError):
            await leaving
        assert batcher.waiting == 0
        # its place is free again
        third = asyncio.create_task(batcher.submit(3, ONE))
        await asyncio.sleep(0)
        doubling.gate.set()
        assert [one.result for one in await asyncio.gather(first, third)] == [2, 6]
        await batcher.close()
        assert doubling.prepared == [1, 3]

    asyncio.run(run())


def test_an_item_cancelled_during_its_batch_harms_nobody() -> None:
    async def run() -> None:
        doubling = Doubling(open_at_start=False)
        batcher = doubling.batcher()
        leaving = asyncio.create_task(batcher.submit(1, ONE))
        await doubling.entry()
        staying = asyncio.create_task(batcher.submit(2, ONE))
        await asyncio.sleep(0)
        leaving.cancel()
        doubling.gate.set()
        assert (await staying).result == 4
        with pytest.raises(asyncio.CancelledError):
            await leaving
        await batcher.close()

    asyncio.run(run())


@pytest.mark.parametrize("deadline_s", [0.0, -1.0, 0.01])
def test_an_item_whose_time_ran_out_is_dropped_before_it_costs_anything(deadline_s: float) -> None:
    async def run() -> None:
        doubling = Doubling(open_at_start=False)
        batcher = doubling.batcher()
        first = asyncio.create_task(batcher.submit(1, ONE, deadline_s=PATIENCE_S))
        await doubling.entry()
        with pytest.raises(DeadlineError, match="not finished within the"):
            await batcher.submit(2, ONE, deadline_s=deadline_s)
        doubling.gate.set()
        assert (await first).result == 2
        await batcher.close()
        assert doubling.prepared == [1]

    asyncio.run(run())


def test_an_items_own_time_out_is_not_the_callers_deadline() -> None:
    async def run() -> None:
        batcher: Batcher[int, int, int] = Batcher(
            lambda number: [number],
            lambda numbers: [TimeoutError("disk") for _ in numbers],
            Limits(workers=1, runs=1, claim=1, max_batch=1),
        )
        for deadline_s in (None, PATIENCE_S):
            with pytest.raises(TimeoutError, match="disk"):
                await batcher.submit(1, ONE, deadline_s=deadline_s)
        await batcher.close()

    asyncio.run(run())


def test_an_item_abandoned_while_it_is_prepared_is_not_worked_on() -> None:
    async def run() -> None:
        worked: list[int] = []
        preparing, gate = threading.Event(), threading.Event()

        def prepare(number: int) -> list[int | Exception]:
            preparing.set()
            assert gate.wait(PATIENCE_S)
            return [number]

        def work(numbers: Sequence[int]) -> Sequence[int]:
            worked.extend(numbers)
            return numbers

        batcher = Batcher(prepare, work, Limits(workers=1, runs=1, claim=1, max_batch=1))
        leaving = asyncio.create_task(batcher.submit(1, ONE))
        assert await asyncio.to_thread(preparing.wait, PATIENCE_S)
        leaving.cancel()
        await asyncio.gather(leaving, return_exceptions=True)
        gate.set()
        await batcher.close()
        assert worked == []

    asyncio.run(run())


def test_closing_finishes_what_was_taken_and_takes_nothing_more() -> None:
    async def run() -> None:
        doubling = Doubling(open_at_start=False)
        batcher = doubling.batcher(workers=2, max_batch=1)
        tasks = [asyncio.create_task(batcher.submit(number, ONE)) for number in range(5)]
        await doubling.entry()
        closing = asyncio.create_task(batcher.close())
        await asyncio.sleep(0)
        with pytest.raises(UnavailableError, match="shutting down"):
            await batcher.submit(9, ONE)
        doubling.gate.set()
        await closing
        assert [one.result for one in await asyncio.gather(*tasks)] == [0, 2, 4, 6, 8]
        assert not any(thread.is_alive() for thread in batcher._threads)
        await batcher.close()

    asyncio.run(run())


def test_timings_say_where_the_time_went() -> None:
    async def run() -> None:
        doubling = Doubling(open_at_start=False)
        batcher = doubling.batcher()
        first = asyncio.create_task(batcher.submit(1, ONE))
        await doubling.entry()
        second = asyncio.create_task(batcher.submit(2, ONE))
        await asyncio.sleep(0)
        doubling.gate.set()
        early, late = (await first).timings, (await second).timings
        assert min(early.queued_s, early.prepared_s, late.prepared_s, late.worked_s) >= 0
        # the second stood in the queue during a part of the first's work
        assert late.queued_s > 0
        assert early.worked_s > 0
        await batcher.close()

    asyncio.run(run())


def test_a_costly_item_is_prepared_by_itself() -> None:
    claims: list[list[int]] = []
    gate = threading.Event()

    class Costs(Doubling):
        def work(self, numbers: Sequence[int]) -> list[int | Exception]:
            assert gate.wait(PATIENCE_S)
            claims.append(list(numbers))
            return list(numbers)

    doubling = Costs()

    async def submit_all() -> None:
        limits = Limits(workers=1, runs=1, claim=8, max_batch=8, claim_cost=10.0)
        batcher = Batcher(doubling.prepare, doubling.work, limits, cost=float)
        # they run alone, so that all others wait behind them
        tasks = [asyncio.create_task(batcher.submit(number, ONE)) for number in (9, 4, 3, 3, 40, 1, 2)]
        await asyncio.sleep(0)
        gate.set()
        await asyncio.gather(*tasks)
        await batcher.close()

    asyncio.run(submit_all())
    assert claims == [[9], [4, 3, 3], [40], [1, 2]]


class Digits(Doubling):
    """Takes the digits of a number as its parts; 5 is no part."""

    def prepare(self, number: int) -> list[int | Exception]:
        super().prepare(number)
        return [UnreadableImageError("five") if digit == "5" else int(digit) for digit in str(number)]


def test_parts_of_an_item_are_worked_on_in_bounded_batches_and_returned_in_their_order() -> None:
    async def run() -> None:
        digits = Digits()
        batcher = digits.batcher(max_batch=3)
        first, second = await asyncio.gather(
            batcher.submit_parts(1253846, ONE, 7), batcher.submit_parts(90, OTHER, 2)
        )
        assert [one.result if isinstance(one, Finished) else str(one) for one in first] == [
            2, 4, "five", 6, 16, 8, 12,
        ]  # fmt: skip
        assert [one.result for one in second if isinstance(one, Finished)] == [18, 0]
        assert max(map(len, digits.batches)) == 3
        assert sorted(chain(*digits.batches)) == [0, 1, 2, 3, 4, 6, 8, 9]
        assert digits.prepared == [1253846, 90]
        # nothing but failures needs no batch; a failed batch fails its parts only
        (lost,) = await batcher.submit_parts(5, ONE, 1)
        assert isinstance(lost, UnreadableImageError)
        await batcher.close()

    asyncio.run(run())


def test_a_part_fails_with_its_batch_or_result_and_the_others_are_returned() -> None:
    async def run() -> None:
        batcher = Digits().batcher(max_batch=2)
        found = await batcher.submit_parts(176, ONE, 3)
        assert [one.result for one in found if isinstance(one, Finished)] == [2, 12]
        assert isinstance(found[1], ValueError)
        with pytest.raises(RuntimeError, match="an item of 2 parts was prepared as 3"):
            await batcher.submit_parts(123, ONE, 2)
        await batcher.close()

    asyncio.run(run())


def test_each_part_takes_room_in_the_queue() -> None:
    async def run() -> None:
        digits = Digits(open_at_start=False)
        batcher = digits.batcher(max_queue=8)
        many = asyncio.create_task(batcher.submit_parts(123, ONE, 3))
        await digits.entry()
        with pytest.raises(OverloadedError):
            await batcher.submit_parts(123, ONE, 3)
        other = asyncio.create_task(batcher.submit_parts(12, ONE, 2))
        await asyncio.sleep(0)
        digits.gate.set()
        assert [len(found) for found in await asyncio.gather(many, other)] == [3, 2]
        assert len(await batcher.submit_parts(1234, ONE, 4)) == 4
        await batcher.close()

    asyncio.run(run())


def test_parts_of_a_caller_that_left_are_not_worked_on() -> None:
    async def run() -> None:
        digits = Digits(open_at_start=False)
        batcher = digits.batcher(max_batch=2)
        leaving = asyncio.create_task(batcher.submit_parts(1234, ONE, 4))
        await digits.entry()
        leaving.cancel()
        with pytest.raises(asyncio.CancelledError):
            await leaving
        digits.gate.set()
        assert (await batcher.submit(6, ONE)).result == 12
        await batcher.close()
        assert digits.batches[0] == [1, 2]
        assert list(chain(*digits.batches[1:])) == [6]

    asyncio.run(run())
