"""The client for programs that run on asyncio: the same handles and values, awaited.

    from spotted.client.aio import AsyncSpotted

    async with AsyncSpotted.local() as spotted:
        session = spotted.survey("serengeti-2026").session("main")
        questions = await session.next_pairs("anna", count=10)
        async for progress in session.watch_progress():
            print(progress.summary)

Every method is the one of `spotted.client` with its arguments, values and errors; only its calls go through
channels of asyncio, so that one thread serves many callers and a cancelled task cancels its call. Needs the
extra `aio`.

spotted     `AsyncSpotted`: connections, embedding, surveys and operations by id
handles     a survey, session, individual, operation, and the catalogue
connection  channels and endpoints of asyncio
methods     methods of the client as methods that are awaited
bridge      code that waits as ordinary code does, run by asyncio
"""

from spotted.client.aio.handles import (
    AsyncCatalogueHandle,
    AsyncIndividualHandle,
    AsyncOperationHandle,
    AsyncSessionHandle,
    AsyncSurveyHandle,
)
from spotted.client.aio.spotted import AsyncSpotted

__all__ = [
    "AsyncCatalogueHandle",
    "AsyncIndividualHandle",
    "AsyncOperationHandle",
    "AsyncSessionHandle",
    "AsyncSpotted",
    "AsyncSurveyHandle",
]
