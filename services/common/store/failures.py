"""What a store that fails says, in words that name the remedy."""

from __future__ import annotations

import redis
from redis import exceptions

from spotted.errors import PreconditionError, SpottedError, StoreUnavailableError

REPEAT = "nothing was acknowledged, repeat the call"

# the first word of an error of the server -> what is wrong and what to do
_BY_WORD = {
    "NOAUTH": "wants a password; put it into SPOTTED_STORE_URL",
    "WRONGPASS": "refuses the user or the password; correct them in SPOTTED_STORE_URL",
    "NOPERM": "lets its user do too little; allow it all commands on the keys `spotted:*`",
    "OOM": "is full; give it more memory (`maxmemory`), or delete surveys that are done",
    "LOADING": "is reading its append-only file after a start; wait for it",
    "READONLY": "is a replica and takes no writes; point SPOTTED_STORE_URL at the primary, or at Sentinels",
    "MISCONF": "cannot write to its disk; make room there and see its log",
    "NOREPLICAS": "has too few replicas in step (`min-replicas-to-write`); start them",
    "MASTERDOWN": "is a replica without its primary; point SPOTTED_STORE_URL at Sentinels",
    "UNBLOCKED": "has stopped being the primary; the next one is found by itself where Sentinels are named",
    "BUSY": "is held up by a script; wait for it",
    "CLUSTERDOWN": "is a node of a cluster that is down; Spotted needs one primary, with replicas if need be",
}
_IN_CLUSTER = "is a node of a cluster; Spotted needs one primary, with replicas if need be"
_BY_WORD |= dict.fromkeys(("MOVED", "ASK", "TRYAGAIN", "CROSSSLOT"), _IN_CLUSTER)


def failure(error: redis.RedisError, store: str) -> SpottedError | None:
    """The error to raise for one of redis-py; None for one that is no failure of the store.

    store: its URL as it may be shown.
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
            f"what answers at {store} is no store: it does not speak the Redis protocol; correct "
            "SPOTTED_STORE_URL"
        )
    if isinstance(error, exceptions.AuthenticationError):
        return StoreUnavailableError(f"the store at {store} {_BY_WORD['WRONGPASS']} ({error}); {REPEAT}")
    return StoreUnavailableError(
        f"the store at {store} does not answer ({error}); start it, or correct SPOTTED_STORE_URL, and repeat "
        "the call"
    )


def _response(error: exceptions.ResponseError, store: str) -> SpottedError | None:
    text = str(error).lower()
    if "appendonly is disabled" in text:
        return forgetful(store)
    if "unknown command" in text:
        return PreconditionError(
            f"the store at {store} is too old: {text.partition(',')[0]}; use Valkey, or Redis from 7.2 on"
        )
    return None


def forgetful(store: str) -> PreconditionError:
    """The store keeps no append-only file."""
    return PreconditionError(
        f"the store at {store} keeps no append-only file, so a restart would lose labels; "
        "set `appendonly yes` in its configuration"
    )
