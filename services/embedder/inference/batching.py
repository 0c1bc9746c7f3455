"""Concurrent callers to shared batches: an asyncio front, worker threads that pull.

A worker that is free prepares what waits, or runs what is prepared, so no item waits for a batch to fill,
and the next batch forms while others run. The event loop only admits and awaits; preparing and working are
the threads' (both are expected to leave the interpreter's lock for most of their time).
"""

from __future__ import annotations

import asyncio
import math
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from services.embedder.inference.fair_queue import Admission, FairQueue, Share
from spotted.errors import DeadlineError, OverloadedError, UnavailableError

ItemT = TypeVar("ItemT")
PreparedT = TypeVar("PreparedT")
ResultT = TypeVar("ResultT")

# told to callers before the first item was timed
FIRST_GUESS_S = 0.1
# weight of the newest item in the running mean of seconds between two that leave
NEWEST = 0.05
MIB = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Limits:
    """How much a batcher does at once.

    workers: threads; each prepares, and runs batches.
    runs: most batches at work at once; fewer than `workers` where one device does them all.
    claim: most items a thread prepares before it looks for a batch to run.
    max_batch: most items in one batch.
    max_queue, max_queue_bytes: most items, and their size, admitted and not yet finished; one share alone
        may fill half.
    """

    workers: int
    runs: int
    claim: int
    max_batch: int
    max_queue: int = 256
    max_queue_bytes: int = 256 * MIB


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
class _Pending(Generic[ItemT, PreparedT, ResultT]):
    item: ItemT
    future: asyncio.Future[Finished[ResultT]]
    submitted_s: float = field(default_factory=time.perf_counter)
    waited_s: float = 0.0
    prepared_s: float = 0.0
    ready_s: float = 0.0
    prepared: PreparedT | None = None


class Batcher(Generic[ItemT, PreparedT, ResultT]):
    """Items of one event loop to results, in batches shared between callers.

    prepare: one item to what `work` takes; what it raises fails that item alone.
    work: a batch to as many results in the same order; an exception among them fails that item alone,
        one that is raised fails the batch. Both are called from several threads at once, `work` from at
        most `limits.runs`.
    """

    def __init__(
        self,
        prepare: Callable[[ItemT], PreparedT],
        work: Callable[[Sequence[PreparedT]], Sequence[ResultT | Exception]],
        limits: Limits,
    ) -> None:
        self._prepare = prepare
        self._work = work
        self.limits = limits
        self._admission = Admission(limits.max_queue, limits.max_queue_bytes)
        self._changed = threading.Condition()
        # guarded by _changed, as is all below
        self._queue: FairQueue[_Pending[ItemT, PreparedT, ResultT]] = FairQueue()
        self._prepared: deque[_Pending[ItemT, PreparedT, ResultT]] = deque()
        self._idle = 0
        self._running = 0
        self._closed = False
        self._item_s = FIRST_GUESS_S
        self._threads = [
            # an owner that fails before `close` must still be able to exit
            threading.Thread(target=self._pull, name=f"batch-{n}", daemon=True)
            for n in range(limits.workers)
        ]
        for thread in self._threads:
            thread.start()

    async def submit(
        self, item: ItemT, share: Share, *, size: int = 0, deadline_s: float | None = None
    ) -> Finished[ResultT]:
        """The result of one item.

        share: who it is for; bulk work waits where its share is full, single calls are refused.
        size: bytes that it holds until it is finished.
        deadline_s: seconds from now after which the caller no longer wants it; None: never.
        An item whose caller was cancelled or whose time ran out is dropped before it costs anything more.
        Raises OverloadedError, DeadlineError, UnavailableError after `close`, and what the item met.
        """
        try:
            async with asyncio.timeout(deadline_s) as limit:
                if share.bulk:
                    await self._admission.wait(share, size)
                elif not self._admission.admit(share, size):
                    raise self._overloaded(share)
                try:
                    return await self._finish(item, share)
                finally:
                    self._admission.leave(share, size)
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
        with self._changed:
            return len(self._queue)

    async def close(self) -> None:
        """Take nothing more, finish what was taken, and end the threads."""
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
                raise UnavailableError("the embedder is shutting down; ask another replica, or again later")
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
        whose = f"survey {share.survey_id!r}" if share.survey_id else "calls that name no survey"
        return OverloadedError(
            f"the queue's share of {whose} is full; come back in {wait_s:.2g} s, or use EmbedStream, which "
            "waits",
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
        # two batches ahead keep the device busy; more would only age
        return bool(self._queue) and len(self._prepared) < 2 * self.limits.max_batch

    def _take_batch(self) -> list[_Pending[ItemT, PreparedT, ResultT]]:
        if not self._may_run():
            return []
        self._running += 1
        return [self._prepared.popleft() for _ in range(min(self.limits.max_batch, len(self._prepared)))]

    def _claim(self) -> list[_Pending[ItemT, PreparedT, ResultT]]:
        if not self._may_prepare():
            return []
        # threads that are free share what is ready: two runs side by side beat one of twice the size
        count = min(self.limits.claim, math.ceil(len(self._queue) / self._idle))
        return [self._queue.pop() for _ in range(count)]

    def _prepare_all(self, claimed: Sequence[_Pending[ItemT, PreparedT, ResultT]]) -> None:
        failed: list[tuple[_Pending[ItemT, PreparedT, ResultT], Finished[ResultT] | Exception]] = []
        prepared: list[_Pending[ItemT, PreparedT, ResultT]] = []
        for pending in claimed:
            if pending.future.cancelled():
                continue
            started_s = time.perf_counter()
            try:
                pending.prepared = self._prepare(pending.item)
            except Exception as error:  # noqa: BLE001 - the thread outlives whatever an item does
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
        wanted = [pending for pending in batch if not pending.future.cancelled()]
        started_s = time.perf_counter()
        outcomes = self._outcomes(wanted, started_s)
        with self._changed:
            self._running -= 1
            self._changed.notify_all()
            if wanted:
                prepared_s = sum(pending.prepared_s for pending in wanted) / self.limits.workers
                worked_s = (time.perf_counter() - started_s) / self.limits.runs
                self._item_s += NEWEST * ((prepared_s + worked_s) / len(wanted) - self._item_s)
        _deliver_soon(outcomes)

    def _outcomes(
        self, batch: Sequence[_Pending[ItemT, PreparedT, ResultT]], started_s: float
    ) -> list[tuple[_Pending[ItemT, PreparedT, ResultT], Finished[ResultT] | Exception]]:
        results = self._results([pending.prepared for pending in batch])  # type: ignore[misc] # all are
        worked_s = time.perf_counter() - started_s
        outcomes: list[tuple[_Pending[ItemT, PreparedT, ResultT], Finished[ResultT] | Exception]] = []
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
                raise RuntimeError(f"{len(inputs)} items gave {len(results)} results")  # noqa: TRY301 - one end
        except Exception as error:  # noqa: BLE001 - the thread outlives whatever a batch does
            return [error] * len(inputs)
        return results


def _deliver_soon(
    outcomes: Sequence[tuple[_Pending[ItemT, PreparedT, ResultT], Finished[ResultT] | Exception]],
) -> None:
    """Wake the loop once for all."""
    if outcomes:
        outcomes[0][0].future.get_loop().call_soon_threadsafe(_deliver, outcomes)


def _deliver(
    outcomes: Sequence[tuple[_Pending[ItemT, PreparedT, ResultT], Finished[ResultT] | Exception]],
) -> None:
    for pending, outcome in outcomes:
        if pending.future.done():
            # its caller left while the batch ran
            continue
        if isinstance(outcome, Exception):
            pending.future.set_exception(outcome)
        else:
            pending.future.set_result(outcome)
