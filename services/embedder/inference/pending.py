"""Items that wait for the results of their parts, and the time spent on them."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar

ItemT = TypeVar("ItemT")
PreparedT = TypeVar("PreparedT")
ResultT = TypeVar("ResultT")


@dataclass(frozen=True, slots=True)
class Timings:
    """Time spent on an item, seconds."""

    queued_s: float
    """Waiting, before it was prepared and before its batch ran."""
    prepared_s: float
    """Preparing the item, with all of its parts."""
    worked_s: float
    """Running its batch."""


@dataclass(frozen=True, slots=True)
class Finished(Generic[ResultT]):
    """The result of a part of an item and the time spent on it."""

    result: ResultT
    timings: Timings


_Outcome = Finished[ResultT] | Exception


@dataclass(slots=True, eq=False)
class Pending(Generic[ItemT, ResultT]):
    """An item whose caller waits for the outcomes of all of its parts."""

    item: ItemT
    parts: int
    """Number of its parts."""
    future: asyncio.Future[list[Finished[ResultT] | Exception]]
    """The outcomes, in the order of the parts."""
    submitted_s: float = field(default_factory=time.perf_counter)
    waited_s: float = 0.0
    prepared_s: float = 0.0
    ready_s: float = 0.0
    _outcomes: dict[int, Finished[ResultT] | Exception] = field(default_factory=dict)

    def prepared(self, started_s: float) -> None:
        """Note that it is prepared now, and since when."""
        self.ready_s = time.perf_counter()
        self.waited_s = started_s - self.submitted_s
        self.prepared_s = self.ready_s - started_s

    def finished(self, result: ResultT | Exception, started_s: float, worked_s: float) -> _Outcome[ResultT]:
        """The outcome of a part whose batch began at started_s and ran for worked_s."""
        if isinstance(result, Exception):
            return result
        queued_s = self.waited_s + started_s - self.ready_s
        return Finished(result, Timings(queued_s, self.prepared_s, worked_s))

    def settle(self, index: int, outcome: _Outcome[ResultT]) -> None:
        """Take the outcome of a part; the last one wakes the caller, unless it left. For the event loop."""
        self._outcomes[index] = outcome
        if len(self._outcomes) == self.parts and not self.future.done():
            self.future.set_result([self._outcomes[i] for i in range(self.parts)])

    def fail(self, error: Exception) -> None:
        """Fail the item as a whole. For the event loop."""
        if not self.future.done():
            self.future.set_exception(error)


@dataclass(frozen=True, slots=True)
class Part(Generic[ItemT, PreparedT, ResultT]):
    """A prepared part of an item."""

    pending: Pending[ItemT, ResultT]
    index: int
    prepared: PreparedT


@dataclass(frozen=True, slots=True)
class Delivery(Generic[ItemT, ResultT]):
    """An outcome on its way to the event loop."""

    pending: Pending[ItemT, ResultT]
    index: int | None
    """Part that it is of; None: an error of the whole item."""
    outcome: _Outcome[ResultT]


def deliver_soon(deliveries: Sequence[Delivery[ItemT, ResultT]]) -> None:
    """Wake the event loop once for all outcomes."""
    if deliveries:
        deliveries[0].pending.future.get_loop().call_soon_threadsafe(_deliver, deliveries)


def _deliver(deliveries: Sequence[Delivery[ItemT, ResultT]]) -> None:
    for delivery in deliveries:
        if delivery.index is not None:
            delivery.pending.settle(delivery.index, delivery.outcome)
        elif isinstance(delivery.outcome, Exception):
            delivery.pending.fail(delivery.outcome)
