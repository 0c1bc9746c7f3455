"""What the calls to all three services share: channels, deadlines, pages, request ids."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import Protocol, TypeVar

from spotted.client.calls import open_channel, our_errors, streamed
from spotted.client.credentials import NOBODY, Credentials
from spotted.v1.embedder_pb2_grpc import EmbedderServiceStub
from spotted.v1.operations_pb2_grpc import OperationsServiceStub
from spotted.v1.sampler_pb2_grpc import SamplerServiceStub
from spotted.v1.scorer_pb2_grpc import ScorerServiceStub

# a read of one thing, a write of one block
CALL_TIMEOUT_S = 30.0
# streams over a whole survey
LONG_TIMEOUT_S = 3600.0


class PagedRequest(Protocol):
    """A request for one page of a list."""

    page_token: str


class Page(Protocol):
    """One page of a list."""

    next_page_token: str


PageT = TypeVar("PageT", bound=Page)


ResponseT = TypeVar("ResponseT")


class Connection:
    """Channels to the three services; nothing is sent before the first call."""

    def __init__(
        self,
        *,
        embedder: str,
        scorer: str,
        sampler: str,
        timeout_s: float = CALL_TIMEOUT_S,
        credentials: Credentials = NOBODY,
    ) -> None:
        """Open the channels.

        embedder, scorer, sampler: addresses such as `127.0.0.1:7102` or `dns:///scorer.spotted:7102`.
        timeout_s: deadline of ordinary calls. credentials: for services that ask for a token, or use TLS.
        Raises InvalidInputError, PreconditionError for credentials that cannot be used.
        """
        self._timeout_s = timeout_s
        self._addresses = {"embedder": embedder, "scorer": scorer, "sampler": sampler}
        self._channels = {
            role: open_channel(address, credentials) for role, address in self._addresses.items()
        }
        self.embedder = EmbedderServiceStub(self._channels["embedder"])
        self.operations = OperationsServiceStub(self._channels["embedder"])
        self.scorer = ScorerServiceStub(self._channels["scorer"])
        self.sampler = SamplerServiceStub(self._channels["sampler"])

    def close(self) -> None:
        """Close the channels."""
        for channel in self._channels.values():
            channel.close()

    def _pages(self, call: Callable[..., PageT], request: PagedRequest, role: str) -> Iterator[PageT]:
        while True:
            with self._errors(role):
                page = call(request, timeout=self._timeout_s)
            yield page
            if not page.next_page_token:
                return
            request.page_token = page.next_page_token

    def _stream(
        self, call: Callable[..., Iterator[ResponseT]], request: object, role: str
    ) -> Iterator[ResponseT]:
        return streamed(call, request, timeout_s=LONG_TIMEOUT_S, address=self._addresses[role])

    def _errors(self, role: str) -> AbstractContextManager[None]:
        return our_errors(self._addresses[role])


def request_id() -> str:
    """A new id, by which a repeated write is known."""
    return str(uuid.uuid4())
