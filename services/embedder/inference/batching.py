"""Batches shared by concurrent callers: an asyncio front, and worker threads that pull from a queue.

A free worker runs the prepared items, or prepares waiting ones, so no item waits for a batch to fill, and
the next batch forms while others run. The event loop only admits and awaits; threads prepare and work (both
are expected to release the interpreter lock for most of the time).
"""

from __future__ import annotations

import asyncio
import math
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from services.embedder.inference.fair_queue import Admission, FairQueue, Share
from services.embedder.inference.limits import Limits
from spotted.errors import DeadlineError, OverloadedError, UnavailableError

ItemT = TypeVar("ItemT")
PreparedT = TypeVar("PreparedT")
ResultT = TypeVar("ResultT")

FIRST_GUESS_S = 0.1  # assumed seconds for an item before the first one was timed
NEWEST = 0.05  # weight of the newest item in the running mean of the seconds between two finished items


@dataclass(frozen=True, slots=True)
class Timings:
    """Time spent on an item, seconds."""

    queued_s: float
    """Waiting, before it was prepared and before its batch ran."""
    prepared_s: float
    """Preparing the item."""
    worked_s: float
    """Running its batch."""


@dataclass(frozen=True, slots=True)
class Finished(Generic[ResultT]):
    """The result of an item and the time spent on it."""

    result: ResultT
    timings: Timings


@dataclass(slots=True, eq=False)
class _Pending(Generic[ItemT, PreparedT, ResultT]):
    item: ItemT
    future: asyncio.Future[Finished[ResultT]]
    submitted_s: float = field(default_factory=time.perf_counter)
    waited_s: float = 0.0
    prepared_s: float = 0.0
    ready_s: float = 0.0
    prepared: PreparedT | None = None


_Delivery = tuple[_Pending[ItemT, PreparedT, ResultT], Finished[ResultT] | Exception]


class Batcher(Generic[ItemT, PreparedT, ResultT]):
    """Turns items of one event loop into results, in batches shared between callers.

    prepare: turns one item into an input of `work`; an exception fails only this item.
    work: turns a batch into one result for each input, in the same order; an exception among the results
        fails only its item, a raised one fails the batch.
    Both are called from several threads at once, `work` from at most `limits.runs`.
    ready: held by an admitted item until it is finished; yields the item to queue.
    cost: what preparing an item costs, in the unit of `limits.claim_cost`; None: nothing.
    """

    def __init__(
        self,
        prepare: Callable[[ItemT], PreparedT],
        work: Callable[[Sequence[PreparedT]], Sequence[ResultT | Exception]],
        limits: Limits,
        ready: Callable[[ItemT, Share], AbstractAsyncContextManager[ItemT]] | None = None,
        cost: Callable[[ItemT], float] | None = None,
    ) -> None:
        self._prepare = prepare
        self._work = work
        self._ready = ready or (lambda item, _: nullcontext(item))
        self._cost = cost or (lambda _: 0.0)
        self.limits = limits
        self._admission = Admission(limits.max_queue, limits.max_queue_bytes)
        self._changed = threading.Condition()
        # guarded by _changed, as is all below
        self._queue: FairQueue[_Pending[ItemT, PreparedT, ResultT]] = FairQueue()
        self._prepared: deque[_Pending[ItemT, PreparedT, ResultT]] = deque()
        self._idle = self._running = 0
        self._closed = False
        self._item_s = FIRST_GUESS_S
        self._threads = [
            # daemons, so that a process that fails before `close` can exit
            threading.Thread(target=self._pull, name=f"batch-{n}", daemon=True)
            for n in range(limits.workers)
        ]
        for thread in self._threads:
            thread.start()

    async def submit(
        self, item: ItemT, share: Share, *, size: int = 0, deadline_s: float | None = None
    ) -> Finished[ResultT]:
        """The result of one item.

        share: the party that it counts for; if its share is full, bulk work waits and single calls fail.
        size: bytes that it holds until it is finished.
        deadline_s: seconds from now after which the result is no longer needed; None: no deadline.
        An item whose caller was cancelled or whose deadline passed is dropped before further work.
        Raises OverloadedError, DeadlineError, UnavailableError after `close`, and the error of the item.
        """
        try:
            async with asyncio.timeout(deadline_s) as limit:
                if share.bulk:
                    await self._admission.wait(share, size)
                elif not self._admission.admit(share, size):
                    raise self._overloaded(share)
                try:
                    async with self._ready(item, share) as ready:
                        return await self._finish(ready, share)
                finally:
                    self._admission.leave(share, size)
        except TimeoutError as error:
            if not limit.expired():
                raise  # by the item itself
            raise DeadlineError(
                f"not finished within the {deadline_s:.3g} s allowed; set a later deadline, or send fewer "
                "crops at once"
            ) from error

    @property
    def waiting(self) -> int:
        """Number of items that no worker has taken yet."""
        with self._changed:
            return len(self._queue)

    async def close(self) -> None:
        """Admit no more items, finish the admitted ones, and stop the threads."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        for thread in self._threads:
            await asyncio.to_thread(thread.join)

    async def _finish(self, item: ItemT, share: Share) -> Finished[ResultT]:
        pending: _Pending[ItemT, PreparedT, ResultT]
        pending = _Pending(item, asyncio.get_running_loop().create_future())
        with self._changed:
            if self._closed:
                raise UnavailableError("the embedder is shutting down; retry later, or call another replica")
            self._queue.push(share, pending)
            self._changed.notify()
        try:
            return await pending.future
        finally:
            with self._changed:
                self._queue.discard(share, pending)

    def _overloaded(self, share: Share) -> OverloadedError:
        with self._changed:
            wait_s = max(self._item_s * len(self._queue), self._item_s)
        whose = f"survey {share.survey_id!r}" if share.survey_id else "calls without a survey"
        return OverloadedError(
            f"the queue's share of {whose} is full; retry in {wait_s:.2g} s, or use EmbedStream, which waits",
            retry_after_s=wait_s,
        )

    def _pull(self) -> None:
        while True:
            with self._changed:
                self._idle += 1
                self._changed.wait_for(self._has_work)
                batch, claimed = self._take_batch(), []
                if not batch:
                    claimed = self._claim()
                self._idle -= 1
            if batch:
                self._run(batch)
            elif claimed:
                self._prepare_all(claimed)
            else:
                return

    def _has_work(self) -> bool:
        return bool(self._may_run() or self._may_prepare() or (self._closed and not self._queue))

    def _may_run(self) -> bool:
        return bool(self._prepared) and self._running < self.limits.runs

    def _may_prepare(self) -> bool:
        # two batches ahead keep the device busy; more would only wait longer
        return bool(self._queue) and len(self._prepared) < 2 * self.limits.max_batch

    def _take_batch(self) -> list[_Pending[ItemT, PreparedT, ResultT]]:
        if not self._may_run():
            return []
        self._running += 1
        return [self._prepared.popleft() for _ in range(min(self.limits.max_batch, len(self._prepared)))]

    def _claim(self) -> list[_Pending[ItemT, PreparedT, ResultT]]:
        if not self._may_prepare():
            return []
        # idle threads share the queued items: two runs side by side beat one of twice the size
        count = min(self.limits.claim, math.ceil(len(self._queue) / self._idle))
        claimed = [self._queue.pop()]
        cost = self._cost(claimed[0].item)
        while len(claimed) < count and (following := self._queue.first()) is not None:
            cost += self._cost(following.item)
            if cost > self.limits.claim_cost:
                break
            claimed.append(self._queue.pop())
        return claimed

    def _prepare_all(self, claimed: Sequence[_Pending[ItemT, PreparedT, ResultT]]) -> None:
        failed: list[_Delivery[ItemT, PreparedT, ResultT]] = []
        prepared: list[_Pending[ItemT, PreparedT, ResultT]] = []
        for pending in claimed:
            if pending.future.cancelled():
                continue
            started_s = time.perf_counter()
            try:
                pending.prepared = self._prepare(pending.item)
            except Exception as error:  # noqa: BLE001 - the thread must survive any error of an item
                failed.append((pending, error))
                continue
            pending.ready_s = time.perf_counter()
            pending.waited_s = started_s - pending.submitted_s
            pending.prepared_s = pending.ready_s - started_s
            prepared.append(pending)
        _deliver_soon(failed)
        with self._changed:
            self._prepared.extend(prepared)
            self._changed.notify(len(prepared))

    def _run(self, batch: Sequence[_Pending[ItemT, PreparedT, ResultT]]) -> None:
        live = [pending for pending in batch if not pending.future.cancelled()]
        started_s = time.perf_counter()
        outcomes = self._outcomes(live, started_s)
        with self._changed:
            self._running -= 1
            self._changed.notify_all()
            if live:
                prepared_s = sum(pending.prepared_s for pending in live) / self.limits.workers
                worked_s = (time.perf_counter() - started_s) / self.limits.runs
                self._item_s += NEWEST * ((prepared_s + worked_s) / len(live) - self._item_s)
        _deliver_soon(outcomes)

    def _outcomes(
        self, batch: Sequence[_Pending[ItemT, PreparedT, ResultT]], started_s: float
    ) -> list[_Delivery[ItemT, PreparedT, ResultT]]:
        results = self._results([pending.prepared for pending in batch])  # type: ignore[misc] # all are prepared
        worked_s = time.perf_counter() - started_s
        outcomes: list[_Delivery[ItemT, PreparedT, ResultT]] = []
        for pending, result in zip(batch, results, strict=True):
            if isinstance(result, Exception):
                outcomes.append((pending, result))
                continue
            queued_s = pending.waited_s + started_s - pending.ready_s
            outcomes.append((pending, Finished(result, Timings(queued_s, pending.prepared_s, worked_s))))
        return outcomes

    def _results(self, inputs: Sequence[PreparedT]) -> Sequence[ResultT | Exception]:
        if not inputs:
            return []
        try:
            results = self._work(inputs)
            if len(results) != len(inputs):
                raise RuntimeError(f"{len(inputs)} items gave {len(results)} results")  # noqa: TRY301 - one exit for all failures
        except Exception as error:  # noqa: BLE001 - the thread must survive any error of a batch
            return [error] * len(inputs)
        return results


def _deliver_soon(outcomes: Sequence[_Delivery[ItemT, PreparedT, ResultT]]) -> None:
    """Wake the event loop once for all outcomes."""
    if outcomes:
        outcomes[0][0].future.get_loop().call_soon_threadsafe(_deliver, outcomes)


def _deliver(outcomes: Sequence[_Delivery[ItemT, PreparedT, ResultT]]) -> None:
    for pending, outcome in outcomes:
        if pending.future.done():
            continue  # its caller was cancelled while the batch ran
        if isinstance(outcome, Exception):
            pending.future.set_exception(outcome)
        else:
            pending.future.set_result(outcome)
