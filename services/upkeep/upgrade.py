"""Upgrades the content of a store to the version of this release, in steps that can be repeated.

While a step runs, the store's version is e.g. `1>2`; all connections are closed when it begins. Every new
connection checks the version, so no service of the old or the new release can use the store until the step is
done, and no service of the old release after that.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from services.common.store import keys
from services.common.store.store import Store
from services.upkeep.version_3 import list_everything
from spotted.errors import ConcurrencyError, StoreVersionError

# the lease of an upgrade that died expires after this time; a running upgrade renews it more often
LEASE_S = 60

# Renews or takes the lease of ARGV[1]; returns whether it holds the lease.
_LEASE = """
local holder = redis.call('GET', KEYS[1])
if holder and holder ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[1], 'EX', ARGV[2])
return 1
"""
_RELEASE = "if redis.call('GET', KEYS[1]) == ARGV[1] then redis.call('DEL', KEYS[1]) end"
# Sets the version ARGV[2] if it is ARGV[1] or ARGV[2]; returns whether it is ARGV[2] now.
_ADVANCE = """
local version = redis.call('GET', KEYS[1])
if version ~= ARGV[1] and version ~= ARGV[2] then return 0 end
redis.call('SET', KEYS[1], ARGV[2])
return 1
"""


@dataclass(frozen=True, slots=True)
class Step:
    """A change from one version of the store's content to the next."""

    before: str
    after: str
    apply: Callable[[Store, Callable[[], None]], None]
    """Changes the content. An interrupted step is run again from its beginning, so `apply` must skip what is
    done already. Between changes that take longer than a few seconds it must call its second argument, which
    renews the lease and raises if another upgrade has taken over."""

    @property
    def under_way(self) -> str:
        """The store's version while the step runs."""
        return f"{self.before}{keys.UNDER_WAY}{self.after}"


# in order; content of version 1 was never released
STEPS = (
    Step("2", "3", list_everything),
    # releases of version 3 cannot read entries whose vectors are in blocks; all others are the same
    Step("3", "4", lambda *_: None),
)


def version(store: Store) -> str:
    """The version of a store's content; the version of this release if the store is empty."""
    return (store.get(keys.VERSION) or keys.STORE_VERSION.encode()).decode()


def pending(current: str, steps: Sequence[Step], target: str = keys.STORE_VERSION) -> list[Step]:
    """The steps from the current version, which may be that of an interrupted step, to the target.

    Raises StoreVersionError if no steps lead to the target.
    """
    at, todo = current, []
    for step in steps:
        if at in {step.before, step.under_way}:
            todo.append(step)
            at = step.after
    if at != target:
        raise StoreVersionError(
            f"the store has content of version {current}, and this release can upgrade to {target} from "
            f"{', '.join(step.before for step in steps) or 'no other version'}; use the release that wrote "
            "it, or a newer one"
        )
    return todo


def upgrade_store(
    store: Store,
    steps: Sequence[Step],
    *,
    target: str = keys.STORE_VERSION,
    services_stopped: bool = False,
    lease_s: int = LEASE_S,
    on_step: Callable[[Step], None] = lambda _: None,
) -> list[Step]:
    """Upgrade a store to the target version; returns the steps taken.

    store: opened for any version.
    services_stopped: for a store that does not allow closing connections; all services must be stopped.
    on_step: called before each step.
    Raises StoreVersionError if no steps lead to the target, ConcurrencyError if another upgrade is running.
    """
    holder = uuid.uuid4().hex
    lease = store.script(_LEASE)

    def alive() -> None:
        if not lease([keys.UPGRADE], [holder, lease_s]):
            raise ConcurrencyError(
                f"another upgrade of the store is running; wait until it ends, or {lease_s} s if it died"
            )

    pending(version(store), steps, target)
    alive()
    try:
        todo = pending(version(store), steps, target)
        for step in todo:
            on_step(step)
            _take(store, step, alive, services_stopped=services_stopped)
    finally:
        store.script(_RELEASE)([keys.UPGRADE], [holder])
    return todo


def _take(store: Store, step: Step, alive: Callable[[], None], *, services_stopped: bool) -> None:
    advance = store.script(_ADVANCE)

    def advanced(before: str, after: str) -> None:
        alive()
        if not advance([keys.VERSION], [before, after]):
            raise ConcurrencyError("the store's version was changed by another upgrade; run this one again")

    if not services_stopped:
        # a store that does not allow this raises the error before anything has changed
        store.cut_off_others()
    advanced(step.before, step.under_way)
    if not services_stopped:
        store.cut_off_others()
    step.apply(store, alive)
    advanced(step.under_way, step.after)
