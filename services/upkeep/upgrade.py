"""The content of a store to the version of this release, by steps that may be repeated.

While a step is under way the store's version is `1>2`, and all connections are closed when it begins. Every
connection is checked for the version when it is opened, so from then on no service works on the store, of the
old release or the new one, until the step is done; and none of the old release ever again.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from services.common.store import keys
from services.common.store.store import Store
from spotted.errors import ConcurrencyError, StoreVersionError

# an upgrade that died is forgotten after so long; one that lives says so more often
LEASE_S = 60

# Renews or takes the lease of ARGV[1]; whether it has it.
_LEASE = """
local holder = redis.call('GET', KEYS[1])
if holder and holder ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[1], 'EX', ARGV[2])
return 1
"""
_RELEASE = "if redis.call('GET', KEYS[1]) == ARGV[1] then redis.call('DEL', KEYS[1]) end"
# The version ARGV[2] where it was ARGV[1], or is ARGV[2] already; whether it is.
_ADVANCE = """
local version = redis.call('GET', KEYS[1])
if version ~= ARGV[1] and version ~= ARGV[2] then return 0 end
redis.call('SET', KEYS[1], ARGV[2])
return 1
"""


@dataclass(frozen=True, slots=True)
class Step:
    """From one version of the store's content to the next.

    apply: changes the content. It is run again from its beginning where it died, so whatever it finds done
        it leaves; between any two changes that take longer than seconds it calls what it is given, which
        renews the lease and raises where another upgrade has taken over.
    """

    before: str
    after: str
    apply: Callable[[Store, Callable[[], None]], None]

    @property
    def under_way(self) -> str:
        """The store's version while the step is under way."""
        return f"{self.before}{keys.UNDER_WAY}{self.after}"


# in their order; every release so far keeps version 1
STEPS: tuple[Step, ...] = ()


def version(store: Store) -> str:
    """The version of a store's content; that of this release where it is empty."""
    return (store.get(keys.VERSION) or keys.STORE_VERSION.encode()).decode()


def pending(found: str, steps: Sequence[Step], target: str = keys.STORE_VERSION) -> list[Step]:
    """The steps from a version, which may be that of a step under way, to the target.

    Raises StoreVersionError where none lead there.
    """
    at, todo = found, []
    for step in steps:
        if at in {step.before, step.under_way}:
            todo.append(step)
            at = step.after
    if at != target:
        raise StoreVersionError(
            f"the store holds data of store version {found}, and this release upgrades to {target} from "
            f"{', '.join(step.before for step in steps) or 'no other'}; use the release that wrote it, or a "
            "newer one"
        )
    return todo


def upgrade_store(
    store: Store,
    steps: Sequence[Step],
    *,
    target: str = keys.STORE_VERSION,
    services_stopped: bool = False,
    lease_s: int = LEASE_S,
    say: Callable[[Step], None] = lambda _: None,
) -> list[Step]:
    """Bring a store to the target version; the steps that this took.

    store: opened for any version. services_stopped: where the store does not let connections be closed.
    Raises StoreVersionError where no steps lead there, ConcurrencyError where another upgrade is under way.
    """
    holder = uuid.uuid4().hex
    lease = store.script(_LEASE)

    def alive() -> None:
        if not lease([keys.UPGRADE], [holder, lease_s]):
            raise ConcurrencyError(
                f"another upgrade of the store is under way; wait for it, or {lease_s} s after it died"
            )

    pending(version(store), steps, target)
    alive()
    try:
        todo = pending(version(store), steps, target)
        for step in todo:
            say(step)
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
        # a store that does not allow it says so before anything has begun
        store.cut_off_others()
    advanced(step.before, step.under_way)
    if not services_stopped:
        store.cut_off_others()
    step.apply(store, alive)
    advanced(step.under_way, step.after)
