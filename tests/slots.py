"""Slots of a cluster: every script of every test uses keys of one."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from redis.crc import key_slot

from services.common.store.store import Store

Run = Callable[[Sequence[str | bytes], Sequence[bytes | str | int]], object]


def slot(key: str | bytes) -> int:
    """The slot of a key."""
    return key_slot(key.encode() if isinstance(key, str) else key)


def checked(script: Callable[..., Run]) -> Callable[..., Run]:
    """`Store.script` whose scripts fail if their keys are in several slots, as they would in a cluster."""

    def checked_script(store: Store, lua: str, *, writes: bool = True) -> Run:
        run = script(store, lua, writes=writes)

        def checked_run(script_keys: Sequence[str | bytes], arguments: Sequence[bytes | str | int]) -> object:
            assert len({slot(key) for key in script_keys}) == 1, f"keys of several slots: {script_keys}"
            return run(script_keys, arguments)

        return checked_run

    return checked_script
