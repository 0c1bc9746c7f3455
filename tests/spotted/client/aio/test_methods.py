from __future__ import annotations

import asyncio
import inspect
from collections.abc import Iterator

import pytest

from spotted.client.aio.handles import (
    AsyncCatalogueHandle,
    AsyncIndividualHandle,
    AsyncOperationHandle,
    AsyncSessionHandle,
    AsyncSurveyHandle,
)
from spotted.client.aio.methods import Bridged, awaits, awaits_handle, gives_handle, iterates
from spotted.client.aio.spotted import AsyncSpotted
from spotted.client.catalogue.handle import CatalogueHandle
from spotted.client.individuals.handle import IndividualHandle
from spotted.client.operation_handle import OperationHandle
from spotted.client.session_handle import SessionHandle
from spotted.client.spotted import Spotted
from spotted.client.survey_handle import SurveyHandle

KINDS = {
    AsyncSpotted: Spotted,
    AsyncSurveyHandle: SurveyHandle,
    AsyncSessionHandle: SessionHandle,
    AsyncIndividualHandle: IndividualHandle,
    AsyncOperationHandle: OperationHandle,
    AsyncCatalogueHandle: CatalogueHandle,
}
# makes the client itself
MADE = {"local"}


class Counter:
    def __init__(self) -> None:
        self.added = 0

    def __repr__(self) -> str:
        return "Counter()"

    def add(self, value: int, *, times: int = 1) -> int:
        """Add a value."""
        self.added += value * times
        return self.added

    def each(self, count: int) -> Iterator[int]:
        yield from range(count)

    def twin(self) -> Counter:
        return self


class AsyncCounter(Bridged[Counter]):
    add = awaits(Counter.add)
    each = iterates(Counter.each)
    twin = gives_handle(Counter.twin, Bridged)
    made = awaits_handle(Counter.twin, Bridged)


def test_methods_keep_their_arguments_results_and_documentation() -> None:
    async def example() -> tuple[int, list[int], str]:
        counter = AsyncCounter(Counter())
        await counter.add(2)
        total = await counter.add(3, times=4)
        assert isinstance(await counter.made(), Bridged)
        return total, [one async for one in counter.each(3)], repr(counter.twin())

    assert asyncio.run(example()) == (14, [0, 1, 2], "AsyncCounter()")
    assert AsyncCounter.add.__doc__ == "Add a value."


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_every_method_of_a_handle_is_awaited_too(kind: type) -> None:
    names = {name for name in dir(KINDS[kind]) if not name.startswith("_")} - MADE
    for name in names:
        method, plain = getattr(kind, name), getattr(KINDS[kind], name)
        assert inspect.signature(method) == inspect.signature(plain), name
        assert method.__doc__ == plain.__doc__
    extra = {name for name in dir(kind) if not name.startswith("_")} - names
    assert extra <= {"as_caller", "local"}
