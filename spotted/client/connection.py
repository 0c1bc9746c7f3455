"""Connections to the three services: channels, deadlines, pages, request ids."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Generic, Protocol, TypeVar

import grpc

from spotted.client.calls import open_channel, our_errors, sent, streamed
from spotted.client.credentials import Credentials
from spotted.errors import PreconditionError
from spotted.v1.catalogue_pb2_grpc import CatalogueServiceStub
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
RequestT = TypeVar("RequestT")
ResponseT = TypeVar("ResponseT")
StubT = TypeVar("StubT")


@dataclass(frozen=True, slots=True)
class Endpoint(Generic[StubT]):
    """One service: its generated stub, and calls that raise the classes of spotted.errors."""

    stub: StubT
    """The generated stub, whose calls raise grpc.RpcError."""
    address: str
    """Address of the service, which errors name."""
    timeout_s: float
    """Deadline of ordinary calls."""
    closed: threading.Event = field(default_factory=threading.Event)
    """Set when the channel is closed; gRPC would end the process if it were called then."""

    def call(
        self, rpc: Callable[..., ResponseT], request: object, *, timeout_s: float | None = None
    ) -> ResponseT:
        """The response to one request, or to an iterator of requests. timeout_s: None for the default."""
        self._check_open()
        with our_errors(self.address):
            return rpc(request, timeout=self.timeout_s if timeout_s is None else timeout_s)

    def pages(self, rpc: Callable[..., PageT], request: PagedRequest) -> Iterator[PageT]:
        """All pages of a list, each requested when it is needed."""
        while True:
            page = self.call(rpc, request)
            yield page
            if not page.next_page_token:
                return
            request.page_token = page.next_page_token

    def stream(self, rpc: Callable[..., Iterator[ResponseT]], request: object) -> Iterator[ResponseT]:
        """The responses of a streaming call."""
        self._check_open()
        return streamed(rpc, request, timeout_s=LONG_TIMEOUT_S, address=self.address)

    def send(
        self, rpc: grpc.StreamUnaryMultiCallable[RequestT, ResponseT], requests: Iterable[RequestT]
    ) -> ResponseT:
        """The response to a stream of requests; an error raised by `requests` cancels the call."""
        self._check_open()
        return sent(rpc, requests, timeout_s=LONG_TIMEOUT_S, address=self.address)

    def _check_open(self) -> None:
        if self.closed.is_set():
            raise PreconditionError(f"this client of {self.address} was closed; create a new one")


class Connection:
    """Channels to the three services, as `Spotted` opens them."""

    def __init__(self, addresses: tuple[str, str, str], timeout_s: float, credentials: Credentials) -> None:
        """Open the channels. addresses: embedder, scorer, sampler."""
        self._timeout_s, self._credentials, self._closed = timeout_s, credentials, threading.Event()
        embedder, scorer, sampler = addresses
        self._channels = [self._open(address) for address in addresses]
        to_embedder, to_scorer, to_sampler = self._channels
        self.embedder = self._endpoint(EmbedderServiceStub(to_embedder), embedder)
        self.operations = self._endpoint(OperationsServiceStub(to_embedder), embedder)
        self.scorer = self._endpoint(ScorerServiceStub(to_scorer), scorer)
        self.catalogue = self._endpoint(CatalogueServiceStub(to_scorer), scorer)
        self.sampler = self._endpoint(SamplerServiceStub(to_sampler), sampler)

    def close(self) -> None:
        """Close the channels; later calls raise PreconditionError."""
        self._closed.set()
        for channel in self._channels:
            channel.close()

    def _open(self, address: str) -> grpc.Channel:
        return open_channel(address, self._credentials)

    def _endpoint(self, stub: StubT, address: str) -> Endpoint[StubT]:
        return Endpoint(stub, address, self._timeout_s, self._closed)


def request_id() -> str:
    """A new UUID, by which the services recognise a repeated write."""
    return str(uuid.uuid4())
