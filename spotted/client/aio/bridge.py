"""Code that waits as ordinary code does, run by asyncio without a thread.

`run` calls a function in a greenlet. Where the function waits for an awaitable (`wait_for`), the greenlet is
left, the awaitable is awaited by the task that called `run`, and the function continues with its result: the
way in which SQLAlchemy has one body of code for both kinds of driver.
"""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import Any, ParamSpec, TypeVar, cast

from greenlet import getcurrent, greenlet

P = ParamSpec("P")
ResultT = TypeVar("ResultT")
ItemT = TypeVar("ItemT")


class _Worker(greenlet):
    """A function that may wait, with the variables of the context that runs it."""

    def __init__(self, function: Callable[..., object]) -> None:
        super().__init__(function, getcurrent())
        self.gr_context = getcurrent().gr_context


async def run(function: Callable[P, ResultT], /, *args: P.args, **kwargs: P.kwargs) -> ResultT:
    """The result of a function that waits by `wait_for`.

    An error of what it waits for, or a cancellation of the task, is raised where it waits.
    """
    worker = _Worker(function)
    awaited = worker.switch(*args, **kwargs)
    while not worker.dead:
        try:
            value = await awaited
        except BaseException:  # noqa: BLE001 - raised in the function, which may handle it
            awaited = worker.throw(*sys.exc_info())
        else:
            awaited = worker.switch(value)
    return cast("ResultT", awaited)


def wait_for(awaitable: Awaitable[ResultT]) -> ResultT:
    """The result of an awaitable, inside a function that `run` called."""
    current = getcurrent()
    if not isinstance(current, _Worker) or current.parent is None:
        raise RuntimeError("wait_for waits only inside a function that `run` called")
    return cast("ResultT", current.parent.switch(awaitable))


async def iterate(iterator: Iterator[ItemT]) -> AsyncIterator[ItemT]:
    """The items of an iterator that waits by `wait_for`; it is closed if the caller stops iterating."""
    end: Any = object()
    try:
        while (item := await run(next, iterator, end)) is not end:
            yield item
    finally:
        if callable(close := getattr(iterator, "close", None)):
            close()
