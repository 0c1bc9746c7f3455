"""A long change as several messages, each up to the size of a page."""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, TypeVar

from services.common.rpc import checks

# bytes that an item of a list takes besides its content
ITEM_BYTES = 4

MessageT = TypeVar("MessageT")


class Filling(Generic[MessageT]):
    """Messages being filled with the items of a change."""

    def __init__(self, first: MessageT, another: Callable[[], MessageT]) -> None:
        """Begin. another: makes the next message, without items."""
        self.messages = [first]
        """The messages so far, at least one."""
        self._another = another
        self._size = 0

    def with_room(self, size: int) -> MessageT:
        """The last message, or another one if an item of this many bytes would not fit into it."""
        self._size += size + ITEM_BYTES
        if self._size > checks.PAGE_BYTES and self._size > size + ITEM_BYTES:
            self.messages.append(self._another())
            self._size = size + ITEM_BYTES
        return self.messages[-1]
