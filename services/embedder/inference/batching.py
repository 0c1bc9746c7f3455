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
from typing import Generic

from services.embedder.inference.fair_queue import Admission, FairQueue, Share
from services.embedder.inference.limits import Limits
from services.embedder.inference.pending import (
    Delivery,
    Finished,
    ItemT,
    Part,
    Pending,
    PreparedT,
    ResultT,
    deliver_soon,
)
from services.embedder.reports import NO_REPORTS, Reports
from spotted.errors import DeadlineError, OverloadedError, UnavailableError

FIRST_GUESS_S = 0.1  # assumed seconds for a part before the first one was timed
NEWEST = 0.05  # weight of the newest part in the running mean of the seconds between two finished parts


class Batcher(Generic[ItemT, PreparedT, ResultT]):
    """Turns items of one event loop into results, in batches shared between callers.

    prepare: turns one item into an input of `work` for each of its parts; an exception among them fails only
        its part, a raised one only this item.
    work: turns a batch into one result for each input, in the same order; an exception among the results
        fails only its part, a raised one fails the batch.
    Both are called from several threads at once, `work` from at most `limits.runs`.
    ready: held by an admitted item until it is finished; yields the item to queue.
    cost: what preparing an item costs, in the unit of `limits.claim_cost`; None: nothing.
    """

    def __init__(
        self,
        prepare: Callable[[ItemT], Sequence[PreparedT | Exception]],
        work: Callable[[Sequence[PreparedT]], Sequence[ResultT | Exception]],
        limits: Limits,
        ready: Callable[[ItemT, Share], AbstractAsyncContextManager[ItemT]] | None = None,
        cost: Callable[[ItemT], float] | None = None,
        reports: Reports = NO_REPORTS,
    ) -> None:
        self._prepare = prepare
        self._work = work
        self._ready = ready or (lambda item, _: nullcontext(item))
        self._cost = cost or (lambda _: 0.0)
        self.limits = limits
        self._admission = Admission(limits.max_queue, limits.max_queue_bytes, reports)
        self._changed = threading.Condition()
        # guarded by _changed, as is all below
        self._queue: FairQueue[Pending[ItemT, ResultT]] = FairQueue(reports)
        self._prepared: deque[Part[ItemT, PreparedT, ResultT]] = deque()
        self._idle = self._running = self._queued_parts = 0
        self._closed = False
        self._part_s = FIRST_GUESS_S
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
        """The result of an item of one part, as `submit_parts`. Raises the error of the item, too."""
        (outcome,) = await self.submit_parts(item, share, 1, size=size, deadline_s=deadline_s)
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    async def submit_parts(
        self, item: ItemT, share: Share, parts: int, *, size: int = 0, deadline_s: float | None = None
    ) -> list[Finished[ResultT] | Exception]:
        """The results of an item, in the order of its parts; a part that fails has its error.

        share: the party that it counts for; if its share is full, bulk work waits and single calls fail.
        size: bytes that it holds until it is finished.
        deadline_s: seconds from now after which the result is no longer needed; None: no deadline.
        An item whose caller was cancelled or whose deadline passed is dropped before further work.
        Raises OverloadedError, DeadlineError, UnavailableError after `close`, and an error of the whole item.
        """
        try:
            async with asyncio.timeout(deadline_s) as limit:
                if share.bulk:
                    await self._admission.wait(share, size, parts)
                elif not self._admission.admit(share, size, parts):
                    raise self._overloaded(share)
                try:
                    async with self._ready(item, share) as ready:
                        return await self._finish(ready, share, parts)
                finally:
                    self._admission.leave(share, size, parts)
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

    async def _finish(self, item: ItemT, share: Share, parts: int) -> list[Finished[ResultT] | Exception]:
        pending: Pending[ItemT, ResultT]
        pending = Pending(item, parts, asyncio.get_running_loop().create_future())
        with self._changed:
            if self._closed:
                raise UnavailableError("the embedder is shutting down; retry later, or call another replica")
            self._queue.push(share, pending)
            self._queued_parts += parts
            self._changed.notify()
        try:
            return await pending.future
        finally:
            with self._changed:
                if self._queue.discard(share, pending):
                    self._queued_parts -= parts

    def _overloaded(self, share: Share) -> OverloadedError:
        with self._changed:
            wait_s = self._part_s * max(self._queued_parts, 1)
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

    def _take_batch(self) -> list[Part[ItemT, PreparedT, ResultT]]:
        if not self._may_run():
            return []
        self._running += 1
        return [self._prepared.popleft() for _ in range(min(self.limits.max_batch, len(self._prepared)))]

    def _claim(self) -> list[Pending[ItemT, ResultT]]:
        if not self._may_prepare():
            return []
        # idle threads share the queued items: two runs side by side beat one of twice the size
        count = min(self.limits.claim, math.ceil(len(self._queue) / self._idle))
        claimed = [self._pop()]
        cost = self._cost(claimed[0].item)
        while len(claimed) < count and (following := self._queue.first()) is not None:
            cost += self._cost(following.item)
            if cost > self.limits.claim_cost:
                break
            claimed.append(self._pop())
        return claimed

    def _pop(self) -> Pending[ItemT, ResultT]:
        pending = self._queue.pop()
        self._queued_parts -= pending.parts
        return pending

    def _prepare_all(self, claimed: Sequence[Pending[ItemT, ResultT]]) -> None:
        failed: list[Delivery[ItemT, ResultT]] = []
        prepared: list[Part[ItemT, PreparedT, ResultT]] = []
        for pending in claimed:
            if pending.future.cancelled():
                continue
            started_s = time.perf_counter()
            try:
                made = self._parts(pending)
            except Exception as error:  # noqa: BLE001 - the thread must survive any error of an item
                failed.append(Delivery(pending, None, error))
                continue
            pending.prepared(started_s)
            for index, part in enumerate(made):
                if isinstance(part, Exception):
                    failed.append(Delivery(pending, index, part))
                else:
                    prepared.append(Part(pending, index, part))
        deliver_soon(failed)
        with self._changed:
            self._prepared.extend(prepared)
            # this thread runs the first batch itself, next
            self._changed.notify((len(self._prepared) - 1) // self.limits.max_batch)

    def _parts(self, pending: Pending[ItemT, ResultT]) -> Sequence[PreparedT | Exception]:
        made = self._prepare(pending.item)
        if len(made) != pending.parts:
            raise RuntimeError(f"an item of {pending.parts} parts was prepared as {len(made)}")
        return made

    def _run(self, batch: Sequence[Part[ItemT, PreparedT, ResultT]]) -> None:
        live = [part for part in batch if not part.pending.future.cancelled()]
        started_s = time.perf_counter()
        results = self._results([part.prepared for part in live])
        worked_s = time.perf_counter() - started_s
        with self._changed:
            self._running -= 1
            self._changed.notify_all()
            if live:
                prepared_s = sum(p.pending.prepared_s / p.pending.parts for p in live) / self.limits.workers
                part_s = (prepared_s + worked_s / self.limits.runs) / len(live)
                self._part_s += NEWEST * (part_s - self._part_s)
        deliver_soon(
            [
                Delivery(part.pending, part.index, part.pending.finished(result, started_s, worked_s))
                for part, result in zip(live, results, strict=True)
            ]
        )

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
