"""Concurrent callers to shared batches: an asyncio front, worker threads that pull.

A worker takes what is ready the moment it is free, so no item waits for a batch to fill, and the next
batch forms while others run. The event loop only admits and awaits; preparing and working are the
threads' (both are expected to leave the interpreter's lock for most of their time).
"""

from __future__ import annotations

import asyncio
import math
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from spotted.errors import DeadlineError, OverloadedError, UnavailableError

ItemT = TypeVar("ItemT")
PreparedT = TypeVar("PreparedT")
ResultT = TypeVar("ResultT")

# told to callers before the first batch was timed
FIRST_GUESS_S = 0.1
# weight of the newest batch in the running mean of seconds per item
NEWEST = 0.2


@dataclass(frozen=True, slots=True)
class Timings:
    """Where an item's time went, seconds: waiting, its own preparing, its batch's work."""

    queued_s: float
    prepared_s: float
    worked_s: float


@dataclass(frozen=True, slots=True)
class Finished(Generic[ResultT]):
    """An item's result and where its time went."""

    result: ResultT
    timings: Timings


@dataclass(slots=True, eq=False)
class _Pending(Generic[ItemT, ResultT]):
    item: ItemT
    future: asyncio.Future[Finished[ResultT]]
    submitted_s: float = field(default_factory=time.perf_counter)
    started_s: float = 0.0
    prepared_s: float = 0.0

    def finished(self, result: ResultT, worked_s: float) -> Finished[ResultT]:
        queued_s = self.started_s - self.submitted_s
        return Finished(result, Timings(queued_s, self.prepared_s, worked_s))


class Batcher(Generic[ItemT, PreparedT, ResultT]):
    """Items of one event loop to results, in batches shared between callers.

    prepare: one item to what `work` takes; what it raises fails that item alone.
    work: a batch to as many results in the same order; an exception among them fails that item alone,
        one that is raised fails the batch. Both are called from `workers` threads at once.
    max_batch: most items in one call of `work`.
    max_queue: most items admitted and not yet finished. Patient callers may use half of it, so that bulk
        work never shuts out single calls.
    """

    def __init__(
        self,
        prepare: Callable[[ItemT], PreparedT],
        work: Callable[[Sequence[PreparedT]], Sequence[ResultT | Exception]],
        *,
        workers: int,
        max_batch: int,
        max_queue: int,
    ) -> None:
        self._prepare = prepare
        self._work = work
        self._max_batch = max_batch
        self._max_queue = max_queue
        self._slots = asyncio.Semaphore(max_queue)
        self._patient_slots = asyncio.Semaphore(max(1, max_queue // 2))
        self._ready = threading.Condition()
        # guarded by _ready, as is all below; ordered, and an abandoned item leaves in constant time
        self._queue: OrderedDict[_Pending[ItemT, ResultT], None] = OrderedDict()
        self._idle = 0
        self._closed = False
        self._item_s = FIRST_GUESS_S
        self._threads = [
            # an owner that fails before `close` must still be able to exit
            threading.Thread(target=self._pull, name=f"batch-{n}", daemon=True)
            for n in range(workers)
        ]
        for thread in self._threads:
            thread.start()

    async def submit(
        self, item: ItemT, deadline_s: float | None = None, *, patient: bool = False
    ) -> Finished[ResultT]:
        """The result of one item.

        deadline_s: seconds from now after which the caller no longer wants it; None: never.
        patient: wait where the queue is full, instead of being refused.
        An item whose caller was cancelled or whose time ran out is dropped before it costs anything more.
        Raises OverloadedError, DeadlineError, UnavailableError after `close`, and what the item met.
        """
        try:
            async with asyncio.timeout(deadline_s) as limit:
                if patient:
                    async with self._patient_slots, self._slots:
                        return await self._finish(item)
                if self._slots.locked():
                    raise self._overloaded()
                async with self._slots:
                    return await self._finish(item)
        except TimeoutError as error:
            if not limit.expired():
                # the item's own
                raise
            raise DeadlineError(
                f"not finished within the {deadline_s:.3g} s allowed; allow more, or send fewer at once"
            ) from error

    @property
    def waiting(self) -> int:
        """How many items no worker has taken yet."""
        with self._ready:
            return len(self._queue)

    async def close(self) -> None:
        """Take nothing more, finish what was taken, and end the threads."""
        with self._ready:
            self._closed = True
            self._ready.notify_all()
        for thread in self._threads:
            await asyncio.to_thread(thread.join)

    async def _finish(self, item: ItemT) -> Finished[ResultT]:
        pending: _Pending[ItemT, ResultT] = _Pending(item, asyncio.get_running_loop().create_future())
        with self._ready:
            if self._closed:
                raise UnavailableError("the embedder is shutting down; ask another replica, or again later")
            self._queue[pending] = None
            self._ready.notify()
        try:
            return await pending.future
        finally:
            with self._ready:
                self._queue.pop(pending, None)

    def _overloaded(self) -> OverloadedError:
        with self._ready:
            wait_s = self._item_s * self._max_queue / len(self._threads)
        return OverloadedError(
            f"the queue of {self._max_queue} items is full; come back in {wait_s:.2g} s",
            retry_after_s=wait_s,
        )

    def _pull(self) -> None:
        while batch := self._take():
            started_s = time.perf_counter()
            outcomes = self._outcomes(batch)
            seconds = (time.perf_counter() - started_s) / len(batch)
            with self._ready:
                self._item_s += NEWEST * (seconds - self._item_s)
            # one wake-up of the loop for the whole batch
            batch[0].future.get_loop().call_soon_threadsafe(_deliver, outcomes)

    def _take(self) -> list[_Pending[ItemT, ResultT]]:
        """Wait for items; an empty list once closed and drained."""
        with self._ready:
            self._idle += 1
            self._ready.wait_for(lambda: self._queue or self._closed)
            # workers that are free share what is ready: two runs side by side beat one of twice the size
            count = min(self._max_batch, math.ceil(len(self._queue) / self._idle))
            self._idle -= 1
            return [self._queue.popitem(last=False)[0] for _ in range(count)]

    def _outcomes(
        self, batch: Sequence[_Pending[ItemT, ResultT]]
    ) -> list[tuple[_Pending[ItemT, ResultT], Finished[ResultT] | Exception]]:
        outcomes: list[tuple[_Pending[ItemT, ResultT], Finished[ResultT] | Exception]] = []
        prepared: list[tuple[_Pending[ItemT, ResultT], PreparedT]] = []
        for pending in batch:
            if pending.future.cancelled():
                continue
            pending.started_s = time.perf_counter()
            try:
                prepared.append((pending, self._prepare(pending.item)))
            except Exception as error:  # noqa: BLE001 - the thread outlives whatever an item does
                outcomes.append((pending, error))
            pending.prepared_s = time.perf_counter() - pending.started_s
        wanted = [(pending, ready) for pending, ready in prepared if not pending.future.cancelled()]
        begun_s = time.perf_counter()
        results = self._results([ready for _, ready in wanted])
        worked_s = time.perf_counter() - begun_s
        for (pending, _), result in zip(wanted, results, strict=True):
            if isinstance(result, Exception):
                outcomes.append((pending, result))
            else:
                outcomes.append((pending, pending.finished(result, worked_s)))
        return outcomes

    def _results(self, inputs: Sequence[PreparedT]) -> Sequence[ResultT | Exception]:
        if not inputs:
            return []
        try:
            results = self._work(inputs)
            if len(results) != len(inputs):
                raise RuntimeError(f"{len(inputs)} items gave {len(results)} results")  # noqa: TRY301 - one end
        except Exception as error:  # noqa: BLE001 - the thread outlives whatever a batch does
            return [error] * len(inputs)
        return results


def _deliver(outcomes: Sequence[tuple[_Pending[ItemT, ResultT], Finished[ResultT] | Exception]]) -> None:
    for pending, outcome in outcomes:
        if pending.future.done():
            # its caller left while the batch ran
            continue
        if isinstance(outcome, Exception):
            pending.future.set_exception(outcome)
        else:
            pending.future.set_result(outcome)
