"""The client's entry point for asyncio."""

from __future__ import annotations

import copy
from pathlib import Path
from types import TracebackType
from typing import Self, cast

from spotted.client.aio.bridge import run
from spotted.client.aio.connection import AsyncConnection
from spotted.client.aio.handles import AsyncCatalogueHandle, AsyncOperationHandle, AsyncSurveyHandle
from spotted.client.aio.methods import Bridged, awaits, awaits_handle, gives_handle, iterates
from spotted.client.connection import CALL_TIMEOUT_S
from spotted.client.credentials import NOBODY, Credentials
from spotted.client.spotted import DEFAULT_DIRECTORY, Spotted


class _Waiting(Spotted):
    """A client over channels of asyncio."""

    _connection_type = AsyncConnection


class AsyncSpotted(Bridged[Spotted]):
    """The three services as one object, made while the loop runs; use it in an `async with` statement.

    >>> import asyncio
    >>> from spotted.survey import Survey
    >>> from spotted.testing import fake_services
    >>> async def example(address: str) -> list[str]:
    ...     async with AsyncSpotted(embedder=address, scorer=address, sampler=address) as spotted:
    ...         await spotted.create_survey(Survey("kruger", 0.0, 86_400.0))
    ...         return [survey.survey_id async for survey in spotted.surveys()]
    >>> with fake_services() as blocking:
    ...     asyncio.run(example(blocking.connection.scorer.address))
    ['kruger']
    """

    def __init__(
        self,
        *,
        embedder: str,
        scorer: str,
        sampler: str,
        timeout_s: float = CALL_TIMEOUT_S,
        credentials: Credentials = NOBODY,
    ) -> None:
        """Open connections; arguments and errors are those of `Spotted`."""
        super().__init__(
            _Waiting(
                embedder=embedder,
                scorer=scorer,
                sampler=sampler,
                timeout_s=timeout_s,
                credentials=credentials,
            )
        )

    @classmethod
    def local(cls, directory: Path = DEFAULT_DIRECTORY, *, credentials: Credentials = NOBODY) -> Self:
        """A client of the services that `spotted up` started. Raises PreconditionError if there are none."""
        return cls._of(_Waiting.local(directory, credentials=credentials))

    @classmethod
    def _of(cls, handle: Spotted) -> Self:
        made = cls.__new__(cls)
        made.handle = handle
        return made

    def as_caller(self, token: str) -> Self:
        """The same client with another token, for a server that passes on those of its callers.

        The connections are shared; closing either closes them. Raises InvalidInputError, PreconditionError
        for a token that cannot be used.
        """
        handle = copy.copy(self.handle)
        handle.connection = cast("AsyncConnection", handle.connection).as_caller(token)
        return self._of(handle)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await run(self.handle.close)

    close = awaits(Spotted.close)
    survey = gives_handle(Spotted.survey, AsyncSurveyHandle)
    surveys = iterates(Spotted.surveys)
    create_survey = awaits_handle(Spotted.create_survey, AsyncSurveyHandle)
    catalogue = gives_handle(Spotted.catalogue, AsyncCatalogueHandle)
    operation = gives_handle(Spotted.operation, AsyncOperationHandle)
    embed = iterates(Spotted.embed)
    embed_batch = awaits(Spotted.embed_batch)
    heat_map = awaits(Spotted.heat_map)
    add_reference = awaits(Spotted.add_reference)
    apply_head = awaits(Spotted.apply_head)
    models = iterates(Spotted.models)
    server_info = awaits(Spotted.server_info)
