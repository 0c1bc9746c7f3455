"""Connections to the three services for asyncio: channels and endpoints."""

from __future__ import annotations

import copy
from collections.abc import Awaitable, Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any, cast

import grpc
from grpc import aio

from spotted.client.aio.bridge import wait_for
from spotted.client.calls import channel_options, our_errors
from spotted.client.connection import (
    LONG_TIMEOUT_S,
    Connection,
    Endpoint,
    RequestT,
    ResponseT,
    StubT,
)
from spotted.client.credentials import NOBODY, Credentials
from spotted.client.headers import Headers, survey_of


@dataclass(frozen=True, slots=True)
class AsyncEndpoint(Endpoint[StubT]):
    """One service, whose calls wait by `bridge.wait_for`."""

    credentials: Credentials = NOBODY
    """The token that goes with every call."""

    def call(
        self, rpc: Callable[..., ResponseT], request: object, *, timeout_s: float | None = None
    ) -> ResponseT:
        """The response to one request, or to an iterator of requests. timeout_s: None for the default."""
        self._check_open()
        timeout_s = self.timeout_s if timeout_s is None else timeout_s
        under_way = rpc(request, timeout=timeout_s, metadata=self._headers(request))
        with our_errors(self.address):
            # the stub's types are those of a blocking channel
            return wait_for(cast("Awaitable[ResponseT]", under_way))

    def stream(self, rpc: Callable[..., Iterator[ResponseT]], request: object) -> Iterator[ResponseT]:
        """The responses of a streaming call, which is cancelled if the caller stops iterating."""
        self._check_open()
        return self._streamed(rpc, request)

    def send(
        self, rpc: grpc.StreamUnaryMultiCallable[RequestT, ResponseT], requests: Iterable[RequestT]
    ) -> ResponseT:
        """The response to a stream of requests; an error raised by `requests` cancels the call."""
        self._check_open()
        calling = cast("Callable[..., aio.StreamUnaryCall[RequestT, ResponseT]]", rpc)
        under_way = calling(timeout=LONG_TIMEOUT_S, metadata=self._headers(requests))
        try:
            with our_errors(self.address):
                for request in requests:
                    wait_for(under_way.write(request))
                wait_for(under_way.done_writing())
                return wait_for(cast("Awaitable[ResponseT]", under_way))
        finally:
            # nothing happens to a call that was answered
            under_way.cancel()

    def _streamed(self, rpc: Callable[..., Iterator[ResponseT]], request: object) -> Iterator[ResponseT]:
        calling = cast("Callable[..., Any]", rpc)
        responses = calling(request, timeout=LONG_TIMEOUT_S, metadata=self._headers(request))
        try:
            with our_errors(self.address):
                while (response := wait_for(responses.read())) is not aio.EOF:
                    yield response
        finally:
            responses.cancel()

    def _headers(self, request: object) -> Headers:
        return (*survey_of(request), *self.credentials.headers())


class AsyncConnection(Connection):
    """Channels of asyncio to the three services; made while its loop runs."""

    def as_caller(self, token: str) -> AsyncConnection:
        """The same channels, with another token.

        Raises InvalidInputError, PreconditionError for a token that cannot be used.
        """
        credentials = replace(self._credentials, token=token)
        for endpoint in (self.embedder, self.scorer, self.sampler):
            credentials.for_channel(endpoint.address)
        other = copy.copy(self)
        for name in ("embedder", "operations", "scorer", "catalogue", "sampler"):
            setattr(other, name, replace(getattr(self, name), credentials=credentials))
        return other

    def close(self) -> None:
        """Close the channels; later calls raise PreconditionError."""
        self._closed.set()
        for channel in self._channels:
            wait_for(cast("Awaitable[None]", channel.close()))

    def _open(self, address: str) -> grpc.Channel:
        tls = self._credentials.for_channel(address)
        options = channel_options(address, tls)
        channel = (
            aio.insecure_channel(address, options=options)
            if tls is None
            else aio.secure_channel(address, tls, options=options)
        )
        # what is generated from the contract takes either kind
        return cast("grpc.Channel", channel)

    def _endpoint(self, stub: StubT, address: str) -> Endpoint[StubT]:
        return AsyncEndpoint(stub, address, self._timeout_s, self._closed, self._credentials)
