"""Single messages in the store, such as heads and tokens, each with a checksum of its key and content."""

from __future__ import annotations

from typing import TypeVar

from google.protobuf.message import DecodeError, Message

from services.common.store.seal import sealed, unsealed
from services.common.store.store import Store
from spotted.errors import DamagedError

MessageT = TypeVar("MessageT", bound=Message)


def put_record(
    store: Store, key: str, message: Message, *, ttl_s: int | None = None, only_new: bool = False
) -> bool:
    """Store a message under a key, on disk before this returns; returns whether it was stored."""
    return store.put(key, sealed(key, message.SerializeToString()), ttl_s=ttl_s, only_new=only_new)


def get_record(store: Store, key: str, kind: type[MessageT], *, named: str, remedy: str) -> MessageT | None:
    """The message under a key, or None.

    named, remedy: the message in words, and what to do if it is damaged. Raises DamagedError then.
    """
    stored = store.get(key)
    if stored is None:
        return None
    content = unsealed(key, stored)
    try:
        if content is not None:
            return kind.FromString(content)
    except DecodeError:
        pass
    raise DamagedError(f"{named} is damaged in the store; {remedy}")
