"""Work on several items at once, with results in input order."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


class Runner:
    """Calls a function on items, as many at once as there are threads."""

    def __init__(self, threads: int, pool: Executor | None) -> None:
        self.threads = threads
        self._pool = pool

    def __call__(self, work: Callable[[Item], Result], items: Iterable[Item]) -> Iterator[Result]:
        """The results for each item, in input order; the first error ends all."""
        return map(work, items) if self._pool is None else self._pool.map(work, items)


# each item is computed when its result is taken
SERIAL = Runner(1, None)


@contextmanager
def open_runner(threads: int) -> Iterator[Runner]:
    """A runner with `threads` threads; with one, each item is computed when its result is taken.

    >>> with open_runner(2) as run:
    ...     list(run(abs, [-1, 2, -3]))
    [1, 2, 3]
    """
    if threads <= 1:
        yield SERIAL
        return
    with ThreadPoolExecutor(threads, thread_name_prefix="ranking") as pool:
        yield Runner(threads, pool)


def map_ahead(work: Callable[[Item], Result], items: Iterable[Item], threads: int) -> Iterator[Result]:
    """The results for each item, in input order, while the next ones are computed.

    At most `threads` results wait to be taken, however many items there are.
    """
    with ThreadPoolExecutor(threads, thread_name_prefix="ahead") as pool:
        begun: deque[Future[Result]] = deque()
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
