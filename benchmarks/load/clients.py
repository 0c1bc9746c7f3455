"""Clients in processes of their own, so that they share no interpreter with one another or the services."""

from __future__ import annotations

import asyncio
import multiprocessing
import random
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from multiprocessing.connection import Connection
from multiprocessing.sharedctypes import SynchronizedArray
from multiprocessing.synchronize import Event

from benchmarks.load.access import Access, Lines, Targets
from benchmarks.load.mix import Mix, Plan
from benchmarks.load.traffic import Counts, Outcome, offer

POLL_S = 0.2
STOP_S = 60.0
# a fork would take half of gRPC's threads with it
SPAWN = multiprocessing.get_context("spawn")


@dataclass(frozen=True, slots=True)
class Order:
    """What one client sends: calls a second, for how long, of which part of the mix ("": all of it)."""

    per_s: float
    seconds: float
    only: str
    seed: int


@dataclass(frozen=True, slots=True)
class _Client:
    process: multiprocessing.process.BaseProcess
    orders: Connection
    counts: SynchronizedArray[int]


class Clients:
    """Processes that make the calls of a mix. Use `started`."""

    def __init__(self, targets: Targets, access: Access, plan: Plan) -> None:
        self._stop = SPAWN.Event()
        self._clients = [
            self._started(targets, access, replace(plan, number=number)) for number in range(plan.clients)
        ]
        self._offered = 0

    def prepare(self, look: Callable[[Counts], None]) -> None:
        """Wait until every client has opened its sessions and touched every survey."""
        self._answers(look)

    def offer(
        self, per_s: float, seconds: float, look: Callable[[Counts], None], *, only: str = ""
    ) -> list[Outcome]:
        """Send so many calls a second together; look: called again and again meanwhile, with the counts."""
        self._stop.clear()
        for number, client in enumerate(self._clients):
            client.counts[:] = [0, 0, 0]
            seed = 1000 * self._offered + number
            client.orders.send(Order(per_s / len(self._clients), seconds, only, seed))
        self._offered += 1
        return [outcome for outcomes in self._answers(look) for outcome in outcomes]

    def stop(self) -> None:
        """End the offer that is under way; calls that were sent are waited for."""
        self._stop.set()

    def pids(self) -> list[int]:
        """The process of each client."""
        return [client.process.pid or 0 for client in self._clients]

    def close(self) -> None:
        """End the processes."""
        self.stop()
        for client in self._clients:
            if client.process.is_alive():
                client.orders.send(None)
        for client in self._clients:
            client.process.join(STOP_S)
            client.process.kill()
            client.process.join()

    def _started(self, targets: Targets, access: Access, plan: Plan) -> _Client:
        ours, theirs = SPAWN.Pipe()
        counts = SPAWN.Array("l", 3)
        given = (targets, access, plan, theirs, counts, self._stop)
        process = SPAWN.Process(target=_serve, args=given, daemon=True)
        process.start()
        theirs.close()
        return _Client(process, ours, counts)

    def _answers(self, look: Callable[[Counts], None]) -> list[list[Outcome]]:
        waiting, answers = list(self._clients), []
        while waiting:
            for client in [one for one in waiting if one.orders.poll()]:
                answers.append(client.orders.recv())
                waiting.remove(client)
            columns = zip(*(client.counts[:] for client in self._clients), strict=True)
            look(Counts(*(sum(column) for column in columns)))
            if waiting:
                time.sleep(POLL_S)
        return answers


@contextmanager
def started(targets: Targets, access: Access, plan: Plan) -> Iterator[Clients]:
    """Clients that end with the context."""
    clients = Clients(targets, access, plan)
    try:
        yield clients
    finally:
        clients.close()


def _serve(
    targets: Targets,
    access: Access,
    plan: Plan,
    orders: Connection,
    counts: SynchronizedArray[int],
    stop: Event,
) -> None:
    """Answer orders with outcomes until None comes."""
    asyncio.run(_ordered(targets, access, plan, orders, counts, stop))


async def _ordered(
    targets: Targets,
    access: Access,
    plan: Plan,
    orders: Connection,
    counts: SynchronizedArray[int],
    stop: Event,
) -> None:
    lines = Lines(targets, access)
    mix = Mix(lines, plan)
    await mix.prepare()
    orders.send([])

    def tell(now: Counts) -> None:
        counts[:] = list(now)

    while (order := await asyncio.to_thread(orders.recv)) is not None:
        outcomes = await offer(
            lambda only=order.only: mix.draw(only),  # type: ignore[misc] # a default is no parameter
            per_s=order.per_s,
            seconds=order.seconds,
            chance=random.Random(order.seed),
            stopped=stop.is_set,
            tell=tell,
        )
        orders.send(outcomes)
    await lines.close()
