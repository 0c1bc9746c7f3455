"""Journals of a store as tests read, write, lose and damage them, with the checksums of their entries."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from services.common.store import keys
from services.common.store.seal import entry_place, sealed, unsealed
from services.common.store.store import Store

PUSH = f"""
redis.call('RPUSH', KEYS[1], unpack(ARGV))
redis.call('SET', KEYS[1] .. '{keys.LENGTH}', redis.call('LLEN', KEYS[1]))
"""


def push(store: Store, key: str, *contents: bytes) -> None:
    """Append events, valid or not, to the journal under a key."""
    at = store.length(key)
    entries = [sealed(entry_place(key, position), each) for position, each in enumerate(contents, at)]
    store.script(PUSH)([key], entries)


def contents(store: Store, key: str) -> list[bytes]:
    """The events of the journal under a key, none of them damaged."""
    opened = [
        unsealed(entry_place(key, position), each) for position, each in enumerate(store.slice(key, 0, -1))
    ]
    found = [each for each in opened if each is not None]
    assert len(found) == len(opened)
    return found


def rewind(store: Store, key: str, count: int) -> None:
    """Take a journal back to its first entries, as a failover or an older file of the store does."""
    store.script("redis.call('LTRIM', KEYS[1], 0, ARGV[1] - 1)")([key], [count])
    if count:
        store.put(key + keys.LENGTH, str(count).encode())
    else:
        store.delete(key, key + keys.LENGTH)


def _flipped(entries: list[bytes], at: int) -> None:
    bit = 8 * len(entries[at]) // 3
    changed = bytearray(entries[at])
    changed[bit // 8] ^= 1 << bit % 8
    entries[at] = bytes(changed)


def _swapped(entries: list[bytes], at: int) -> None:
    # the last one is replaced by the first
    entries[at : at + 2] = [*entries[at + 1 : at + 2], entries[at]] if at + 1 < len(entries) else [entries[0]]


def _set(make: Callable[[bytes], bytes]) -> Callable[[list[bytes], int], None]:
    def damage(entries: list[bytes], at: int) -> None:
        entries[at] = make(entries[at])

    return damage


# each changes the entry at a position first of all
DAMAGES: Mapping[str, Callable[[list[bytes], int], object]] = {
    "a bit is flipped": _flipped,
    "its end is cut off": _set(lambda entry: entry[:-3]),
    "it is empty": _set(lambda _: b""),
    "it is garbage": _set(lambda _: b"\xff\x00garbage"),
    "it and the next are swapped": _swapped,
    "it is repeated": lambda entries, at: entries.insert(at, entries[at - 1] if at else entries[-1]),
    "it is removed": lambda entries, at: entries.pop(at),
    "all from it on is removed": lambda entries, at: entries.__delitem__(slice(at, None)),
}


def break_entry(store: Store, key: str, position: int, damage: str) -> None:
    """Damage the journal under a key at an entry, counted from 0, behind the back of every service."""
    entries = store.slice(key, 0, -1)
    DAMAGES[damage](entries, position)
    store.script("redis.call('DEL', KEYS[1]) for i = 1, #ARGV do redis.call('RPUSH', KEYS[1], ARGV[i]) end")(
        [key], entries
    )


def break_value(store: Store, key: str) -> None:
    """Flip a bit of a string in the store."""
    stored = store.get(key)
    assert stored is not None
    middle = len(stored) // 2
    store.put(key, stored[:middle] + bytes([stored[middle] ^ 4]) + stored[middle + 1 :])
