"""Methods of the client as methods that are awaited, with the same arguments and documentation."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from functools import wraps
from typing import Any, Concatenate, Generic, ParamSpec, TypeVar

from spotted.client.aio.bridge import iterate, run

P = ParamSpec("P")
HandleT = TypeVar("HandleT")
# a handle has the methods of its bases too
HandleT_co = TypeVar("HandleT_co", covariant=True)
WrappedT = TypeVar("WrappedT")
ResultT = TypeVar("ResultT")


class Bridged(Generic[HandleT_co]):
    """A handle whose methods are awaited."""

    def __init__(self, handle: HandleT_co) -> None:
        self.handle = handle

    def __repr__(self) -> str:
        return f"Async{self.handle!r}"


def awaits(
    method: Callable[Concatenate[HandleT, P], ResultT],
) -> Callable[Concatenate[Bridged[HandleT], P], Coroutine[Any, Any, ResultT]]:
    """The method, awaited."""

    @wraps(method)
    async def awaited(self: Bridged[HandleT], /, *args: P.args, **kwargs: P.kwargs) -> ResultT:
        return await run(method, self.handle, *args, **kwargs)

    return awaited


def awaits_handle(
    method: Callable[Concatenate[HandleT, P], ResultT], wrap: Callable[[ResultT], WrappedT]
) -> Callable[Concatenate[Bridged[HandleT], P], Coroutine[Any, Any, WrappedT]]:
    """The method, awaited, whose result is a handle to wrap."""

    @wraps(method)
    async def awaited(self: Bridged[HandleT], /, *args: P.args, **kwargs: P.kwargs) -> WrappedT:
        return wrap(await run(method, self.handle, *args, **kwargs))

    return awaited


def gives_handle(
    method: Callable[Concatenate[HandleT, P], ResultT], wrap: Callable[[ResultT], WrappedT]
) -> Callable[Concatenate[Bridged[HandleT], P], WrappedT]:
    """The method, which makes no call, and whose result is a handle to wrap."""

    @wraps(method)
    def given(self: Bridged[HandleT], /, *args: P.args, **kwargs: P.kwargs) -> WrappedT:
        return wrap(method(self.handle, *args, **kwargs))

    return given


def iterates(
    method: Callable[Concatenate[HandleT, P], Iterator[ResultT]],
) -> Callable[Concatenate[Bridged[HandleT], P], AsyncIterator[ResultT]]:
    """The method as an asynchronous iterator."""

    @wraps(method)
    async def iterated(
        self: Bridged[HandleT], /, *args: P.args, **kwargs: P.kwargs
    ) -> AsyncIterator[ResultT]:
        items = iterate(await run(method, self.handle, *args, **kwargs))
        try:
            async for item in items:
                yield item
        finally:
            await items.aclose()  # type: ignore[attr-defined] # an asynchronous generator has it

    return iterated
