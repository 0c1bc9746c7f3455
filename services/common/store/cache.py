"""A bounded in-memory cache; the least recently used values are dropped first."""

from __future__ import annotations

import math
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Generic, TypeVar

KeyT = TypeVar("KeyT")
ValueT = TypeVar("ValueT")


@dataclass(slots=True)
class _Held(Generic[ValueT]):
    """A cached value."""

    value: ValueT
    size: int = 0
    """Its size when last measured."""
    used_s: float = 0.0
    """When it was last used."""


class Recent(Generic[KeyT, ValueT]):
    """Values by key, created on first use; thread-safe."""

    def __init__(
        self,
        budget: int,
        size: Callable[[ValueT], int],
        left: Callable[[KeyT, int], None] = lambda _key, _size: None,
        *,
        idle_s: float = math.inf,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Begin empty.

        budget: limit for the sum of sizes; the value used last is always kept.
        size: current size of a value; measured again after each use, since values grow when used.
        left: called with each key that is dropped to make room, and its size.
        idle_s: values not used for this long are dropped too, e.g. those that another process deleted.
        clock: monotonic seconds.
        """
        self._budget = budget
        self._size = size
        self._left = left
        self._idle_s = idle_s
        self._clock = clock
        self._lock = threading.Lock()
        # the one used last comes last
        self._held: OrderedDict[KeyT, _Held[ValueT]] = OrderedDict()
        self._total = 0

    def get(self, key: KeyT, make: Callable[[], ValueT]) -> ValueT:
        """The value of a key. make: must be fast; called if the key is not cached."""
        with self._lock:
            if self._held:
                # it may have grown since it was handed out
                self._measure(next(reversed(self._held.values())))
            if key not in self._held:
                self._held[key] = _Held(make())
            held = self._held[key]
            held.used_s = self._clock()
            self._held.move_to_end(key)
            self._measure(held)
            while len(self._held) > 1 and (self._total > self._budget or self._oldest_is_idle()):
                oldest = next(iter(self._held))
                self._left(oldest, self._drop(oldest))
            return held.value

    def drop(self, key: KeyT) -> None:
        """Drop a key, if it is cached."""
        with self._lock:
            if key in self._held:
                self._drop(key)

    def __iter__(self) -> Iterator[KeyT]:
        """The keys, the one used last at the end."""
        with self._lock:
            return iter([*self._held])

    def state(self) -> tuple[int, int]:
        """Number of values and the sum of their sizes."""
        with self._lock:
            return len(self._held), self._total

    def _oldest_is_idle(self) -> bool:
        return self._clock() - next(iter(self._held.values())).used_s > self._idle_s

    def _measure(self, held: _Held[ValueT]) -> None:
        size = self._size(held.value)
        self._total += size - held.size
        held.size = size

    def _drop(self, key: KeyT) -> int:
        size = self._held.pop(key).size
        self._total -= size
        return size
