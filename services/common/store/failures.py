"""Failures of the store as errors that name the remedy."""

from __future__ import annotations

import redis
from redis import exceptions

from services.common.store import keys
from spotted.errors import (
    DamagedError,
    PreconditionError,
    SpottedError,
    StoreUnavailableError,
    StoreVersionError,
)

REPEAT = "nothing was acknowledged, repeat the call"

# first word of a server error -> cause and remedy
_BY_WORD = {
    "NOAUTH": "wants a password; add it to SPOTTED_STORE_URL",
    "WRONGPASS": "refuses the user or the password; correct them in SPOTTED_STORE_URL",
    "NOPERM": "denies its user a command; allow the user all commands on the keys `spotted:*`",
    "OOM": "is full; give it more memory (`maxmemory`), or delete surveys that are no longer needed",
    "LOADING": "is reading its append-only file after a start; wait for it",
    "READONLY": "is a read-only replica; point SPOTTED_STORE_URL at the primary, or at Sentinels",
    "MISCONF": "cannot write to its disk; make room on it and check its log",
    "NOREPLICAS": "has too few replicas in sync (`min-replicas-to-write`); start them",
    "MASTERDOWN": "is a replica without its primary; point SPOTTED_STORE_URL at Sentinels",
    "UNBLOCKED": "is no longer the primary; the next one is found automatically if the URL names Sentinels",
    "BUSY": "is blocked by a script; wait for it",
    "CLUSTERDOWN": "is a cluster in which some keys have no primary; start the missing nodes",
    "TRYAGAIN": "is moving these keys to another node of the cluster; wait for it",
}
_BY_WORD |= dict.fromkeys(
    ("MOVED", "ASK"), "is a node of a cluster; begin SPOTTED_STORE_URL with redis+cluster://"
)


def failure(error: redis.RedisError, store: str) -> SpottedError | None:
    """The error to raise for an error of redis-py; None if it is not a failure of the store.

    store: the URL without credentials.
    """
    word = error.status_code or str(error).partition(" ")[0]
    if word in _BY_WORD:
        return StoreUnavailableError(f"the store at {store} {_BY_WORD[word]}; {REPEAT}")
    if "max number of clients" in str(error):
        return StoreUnavailableError(
            f"the store at {store} takes no more connections; raise its `maxclients`; {REPEAT}"
        )
    if isinstance(error, exceptions.ResponseError):
        return _response(error, store)
    if isinstance(error, exceptions.InvalidResponse):
        return StoreUnavailableError(
            f"the server at {store} does not use the Redis protocol; correct SPOTTED_STORE_URL"
        )
    if isinstance(error, exceptions.AuthenticationError):
        return StoreUnavailableError(f"the store at {store} {_BY_WORD['WRONGPASS']} ({error}); {REPEAT}")
    return StoreUnavailableError(
        f"the store at {store} does not answer ({error}); start it (on one machine: `spotted up`), or "
        "correct SPOTTED_STORE_URL, and repeat the call"
    )


def _response(error: exceptions.ResponseError, store: str) -> SpottedError | None:
    text = str(error).lower()
    if "appendonly is disabled" in text:
        return no_append_only_file(store)
    if text.startswith("wrongtype"):
        return DamagedError(
            f"the store at {store} has a value of another type under a key of Spotted; keep other programs "
            "away from keys that begin with `spotted:`, delete it, and restore a backup"
        )
    if "unknown command" in text:
        return PreconditionError(
            f"the store at {store} is too old: {text.partition(',')[0]}; use Valkey, or Redis 7.2 or later"
        )
    return None


def no_append_only_file(store: str) -> PreconditionError:
    """The error for a store without an append-only file."""
    return PreconditionError(
        f"the store at {store} has no append-only file, so a restart would lose labels; "
        "set `appendonly yes` in its configuration"
    )


def other_version(store: str, found: str, wanted: str) -> StoreVersionError:
    """The error for a store with content of another version than this release uses."""
    if keys.UNDER_WAY in found:
        remedy = "wait until `spotted upgrade` has finished, or run it again if it was interrupted"
    else:
        remedy = "run the Spotted release that wrote it, or upgrade older content with `spotted upgrade`"
    return StoreVersionError(
        f"the store at {store} has content of version {found}, this release uses version {wanted}; {remedy}"
    )
