"""The servers of a store: the one that holds a key, and all of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol, TypeVar, cast

import redis
from redis.connection import AbstractConnection
from redis.exceptions import AskError, MovedError, TryAgainError

from services.common.store import keys

AnswerT = TypeVar("AnswerT")
# takes a client of the server, and whether each command on a key must be preceded by ASKING
Call = Callable[[redis.Redis, bool], AnswerT]


class Nodes(Protocol):
    """The servers of a store."""

    def run(self, key: str, call: Call[AnswerT]) -> AnswerT:
        """The result of a call on the server that holds a key."""

    def version(self, elsewhere: redis.exceptions.AskError) -> bytes | None:
        """The version of the content, which the server named by a redirect holds."""

    def slot(self, key: str) -> int:
        """A number that is equal for keys that one command may have."""

    def synced(self, key: str, *, asking: bool) -> str:
        """A key beside another one, to wait for earlier writes. asking: as of a call."""

    def primaries(self) -> Sequence[redis.Redis]:
        """A client of each server that takes writes."""

    def close(self) -> None:
        """Close all connections."""


class OneNode:
    """A single server, or the primary behind Sentinels."""

    def __init__(self, client: redis.Redis) -> None:
        self._client = client

    def run(self, key: str, call: Call[AnswerT]) -> AnswerT:  # noqa: ARG002 - it holds every key
        """The result of a call."""
        try:
            return call(self._client, False)
        except redis.exceptions.TimeoutError:
            # the other open connections most likely lead to the same dead server
            self._client.connection_pool.disconnect(inuse_connections=False)
            raise

    def version(self, elsewhere: redis.exceptions.AskError) -> bytes | None:
        """Raises the redirect: a single server gives none."""
        raise elsewhere

    def slot(self, key: str) -> int:  # noqa: ARG002 - it holds every key
        """One for all keys."""
        return 0

    def synced(self, key: str, *, asking: bool) -> str:  # noqa: ARG002 - it holds every key
        """One key for all."""
        return keys.SYNCED

    def primaries(self) -> Sequence[redis.Redis]:
        """The server."""
        return [self._client]

    def close(self) -> None:
        """Close all connections."""
        self._client.close()


def answers(pipeline: redis.client.Pipeline) -> list[object]:
    """The answers to a pipeline's commands. Raises the first error without the commands' arguments."""
    found = pipeline.execute(raise_on_error=False)
    for number, answer in enumerate(found):
        if number and isinstance(answer, AskError) and not isinstance(answer, MovedError):
            # the command before it was carried out here; elsewhere as well, its key would be on two nodes
            raise TryAgainError("TRYAGAIN a key of this slot has moved")
        if isinstance(answer, Exception):
            raise answer
    return cast("list[object]", found)


def send(connection: AbstractConnection, *command: str) -> object:
    """The answer to a command on a connection that is not in the pool yet."""
    connection.send_command(*command)
    return connection.read_response()
