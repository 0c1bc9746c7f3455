"""Bearer tokens: created, looked up and revoked in the store, which has only their hashes."""

from __future__ import annotations

import asyncio
import contextvars
import hashlib
import hmac
import logging
import re
import secrets
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from services.common.access.caller import Caller
from services.common.store import keys
from services.common.store.records import get_record, put_record
from services.common.store.store import Store
from spotted import messages
from spotted.errors import DamagedError, InvalidInputError, NotFoundError, UnauthenticatedError
from spotted.v1 import access_pb2 as pb

TEXT = re.compile(r"spotted_([0-9a-f]{16})_([A-Za-z0-9_-]{43})")
ORGANISATION = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
PATTERN = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}\*?|\*")
SECRET_BYTES = 32
# how long a replica accepts a token without reading it again; an open stream is checked one second later
KNOWN_S = 4.0
KNOWN = 10_000
# how long a token that was refused is refused again without reading it
REFUSED_S = 2.0
REFUSED = 10_000
# threads that read tokens, so that unknown ones never wait with, or for, the work of calls
LOOK_UP_THREADS = 2
INVALID = (
    "this token is not valid: it is unknown, revoked or expired; ask the operator for a new one "
    "(`spotted token create`)"
)

ValueT = TypeVar("ValueT")

logger = logging.getLogger("spotted")


class Tokens:
    """The tokens of a store."""

    def __init__(self, store: Store, *, now: Callable[[], float] = time.time) -> None:
        """Begin. now: the current time, UTC seconds since 1970."""
        self._store = store
        self._now = now

    def create(
        self,
        *,
        organisation: str,
        role: pb.Role.ValueType,
        surveys: Sequence[str] = (),
        quota: pb.Quota | None = None,
        expires_s: float | None = None,
        note: str = "",
    ) -> tuple[str, str]:
        """Create a token; returns its id and its text, which is not stored.

        expires_s: UTC seconds since 1970, None for never.
        Raises InvalidInputError for an invalid organisation, role or survey.
        """
        _check(organisation, role, surveys)
        token_id, secret = secrets.token_hex(8), secrets.token_urlsafe(SECRET_BYTES)
        stored = pb.StoredToken(
            secret_sha256=hashlib.sha256(secret.encode()).digest(),
            organisation=organisation,
            role=role,
            surveys=surveys,
            quota=quota,
            note=note,
            create_time=messages.timestamp(self._now()),
            expire_time=messages.timestamp(expires_s),
        )
        # listed first: what is listed and absent is skipped
        self._store.add_member(keys.TOKENS, token_id)
        put_record(self._store, keys.token(token_id), stored)
        return token_id, f"spotted_{token_id}_{secret}"

    def all(self) -> dict[str, pb.StoredToken]:
        """Every token that is not damaged by its id, revoked and expired ones too."""
        read = {token_id: self._get_sound(token_id) for token_id in self._ids()}
        return {token_id: stored for token_id, stored in read.items() if stored is not None}

    def damaged(self) -> list[str]:
        """The ids of damaged tokens, which nobody can use."""
        return [token_id for token_id in self._ids() if self._is_damaged(token_id)]

    def revoke(self, token_id: str) -> pb.StoredToken:
        """Revoke a token; returns it. A damaged one is deleted. Raises NotFoundError."""
        if self._is_damaged(token_id):
            self._store.delete(keys.token(token_id))
            self._store.remove_member(keys.TOKENS, token_id)
            return pb.StoredToken()
        stored = self._get(token_id)
        if stored is None:
            raise NotFoundError(f"token {token_id!r} does not exist; `spotted token list` shows all tokens")
        if not stored.HasField("revoke_time"):
            stored.revoke_time.FromNanoseconds(int(self._now() * 1e9))
            put_record(self._store, keys.token(token_id), stored)
        return stored

    def caller(self, text: str) -> Caller:
        """The caller with a token.

        Raises UnauthenticatedError if it is unknown, revoked or expired, with the same message and after the
        same time.
        """
        found = TEXT.fullmatch(text)
        stored = self._get_sound(found.group(1)) if found else None
        digest = hashlib.sha256(found.group(2).encode() if found else b"").digest()
        if (
            found is None
            or stored is None
            or not hmac.compare_digest(stored.secret_sha256, digest)
            or not self.is_valid(stored)
        ):
            raise UnauthenticatedError(INVALID)
        return Caller(found.group(1), stored.organisation, stored.role, tuple(stored.surveys), stored.quota)

    def is_valid(self, stored: pb.StoredToken) -> bool:
        """Whether a token is neither revoked nor expired."""
        expired = stored.HasField("expire_time") and messages.seconds(stored.expire_time) <= self._now()
        return not expired and not stored.HasField("revoke_time")

    def _ids(self) -> list[str]:
        return self._store.members(keys.TOKENS)

    def _is_damaged(self, token_id: str) -> bool:
        try:
            self._get(token_id)
        except DamagedError:
            return True
        return False

    def _get_sound(self, token_id: str) -> pb.StoredToken | None:
        """A token; a damaged one is logged and counts as missing."""
        try:
            return self._get(token_id)
        except DamagedError as error:
            logger.warning("%s", error)
            return None

    def _get(self, token_id: str) -> pb.StoredToken | None:
        return get_record(
            self._store,
            keys.token(token_id),
            pb.StoredToken,
            named=f"token {token_id!r}",
            remedy="revoke it and create another one",
        )


class KnownCallers:
    """Callers by their tokens, and tokens that were refused, each cached for a few seconds.

    Tokens that were valid before are read by threads of their own: a flood of unknown ones does not delay
    them.
    """

    def __init__(self, tokens: Tokens, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._tokens = tokens
        self._clock = clock
        self._lock = threading.Lock()
        # keyed by hash, so that no token's text stays in memory
        self._known: OrderedDict[bytes, tuple[float, Caller]] = OrderedDict()
        self._refused: OrderedDict[bytes, float] = OrderedDict()
        self._again = ThreadPoolExecutor(LOOK_UP_THREADS, "known-tokens")
        self._first = ThreadPoolExecutor(LOOK_UP_THREADS, "unknown-tokens")

    async def caller(self, text: str) -> Caller:
        """The caller with a token. Raises UnauthenticatedError."""
        if (known := self.known(text)) is not None:
            return known
        with self._lock:
            threads = self._again if _key(text) in self._known else self._first
        # the context has the request id for log lines
        run = contextvars.copy_context().run
        return await asyncio.get_running_loop().run_in_executor(threads, run, self.look_up, text)

    def known(self, text: str) -> Caller | None:
        """A caller that was looked up recently; None if the store must be asked.

        Raises UnauthenticatedError for a token that was refused recently, or that has the wrong form.
        """
        key, now = _key(text), self._clock()
        with self._lock:
            looked_up, caller = self._known.get(key, (float("-inf"), None))
            refused = self._refused.get(key, float("-inf"))
        if now - refused < REFUSED_S or not TEXT.fullmatch(text):
            raise UnauthenticatedError(INVALID)
        return caller if now - looked_up < KNOWN_S else None

    def look_up(self, text: str) -> Caller:
        """A caller read from the store. Raises UnauthenticatedError."""
        key, now = _key(text), self._clock()
        try:
            caller = self._tokens.caller(text)
        except UnauthenticatedError:
            with self._lock:
                self._known.pop(key, None)
                _keep(self._refused, key, now, REFUSED)
            raise
        with self._lock:
            _keep(self._known, key, (now, caller), KNOWN)
        return caller


def _keep(cache: OrderedDict[bytes, ValueT], key: bytes, value: ValueT, most: int) -> None:
    """Keep a value as the newest one, and drop the oldest if there are too many."""
    cache[key] = value
    cache.move_to_end(key)
    while len(cache) > most:
        cache.popitem(last=False)


def _key(text: str) -> bytes:
    return hashlib.sha256(text.encode()).digest()


def _check(organisation: str, role: pb.Role.ValueType, surveys: Sequence[str]) -> None:
    if role not in pb.Role.values() or role == pb.ROLE_UNSPECIFIED:
        raise InvalidInputError("a token needs a role: read, annotate, write, admin or service")
    if role == pb.ROLE_SERVICE:
        if organisation or surveys:
            raise InvalidInputError(
                "a token of role service is valid for all organisations; leave out organisation and surveys"
            )
    elif not ORGANISATION.fullmatch(organisation):
        raise InvalidInputError(
            f"the organisation is {organisation!r}; use 1 to 64 letters, digits and `._-`, beginning with a "
            "letter or digit"
        )
    for pattern in surveys:
        if not PATTERN.fullmatch(pattern):
            raise InvalidInputError(
                f"{pattern!r} is neither a survey id nor a prefix of survey ids with `*`; use e.g. "
                "kenya-2026 or kenya-*"
            )
