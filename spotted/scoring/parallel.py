"""Work on several items at once, answered in their order."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import TypeVar

Item = TypeVar("Item")
Answer = TypeVar("Answer")


class Runner:
    """Calls a function on items, as many at once as it has threads."""

    def __init__(self, threads: int, pool: Executor | None) -> None:
        self.threads = threads
        self._pool = pool

    def __call__(self, work: Callable[[Item], Answer], items: Iterable[Item]) -> Iterator[Answer]:
        """What the function answers to each item, in their order; the first error ends all."""
        return map(work, items) if self._pool is None else self._pool.map(work, items)


@contextmanager
def running(threads: int) -> Iterator[Runner]:
    """A runner on so many threads of its own; with one, items are worked on as their answers are taken."""
    if threads <= 1:
        yield Runner(1, None)
        return
    with ThreadPoolExecutor(threads, thread_name_prefix="ranking") as pool:
        yield Runner(threads, pool)


def ahead(work: Callable[[Item], Answer], items: Iterable[Item], threads: int) -> Iterator[Answer]:
    """What a function answers to each item, in their order, while it works on the next ones.

    No more than `threads` answers wait to be taken, however many items there are.
    """
    with ThreadPoolExecutor(threads, thread_name_prefix="ahead") as pool:
        begun: deque[Future[Answer]] = deque()
        try:
            for item in items:
                if len(begun) > threads:
                    yield begun.popleft().result()
                begun.append(pool.submit(work, item))
            while begun:
                yield begun.popleft().result()
        finally:
            for future in begun:
                future.cancel()
