"""Bearer tokens: made, found and revoked in the store, which knows them by their hashes alone."""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence

from services.common.access.caller import Caller
from services.common.store import keys
from services.common.store.store import Store
from spotted import messages
from spotted.errors import InvalidInputError, NotFoundError, UnauthenticatedError
from spotted.v1 import access_pb2 as pb

TEXT = re.compile(r"spotted_([0-9a-f]{16})_([A-Za-z0-9_-]{43})")
ORGANISATION = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
PATTERN = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}\*?|\*")
SECRET_BYTES = 32
# a token that was revoked may be used so long in each replica
KNOWN_S = 5.0
KNOWN = 10_000


class Tokens:
    """The tokens of a store. now: UTC seconds since 1970."""

    def __init__(self, store: Store, *, now: Callable[[], float] = time.time) -> None:
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
        """Make a token; answers its id and its text, which is told this once and not kept.

        expires_s: UTC seconds since 1970, None for never.
        Raises InvalidInputError for an organisation, role or survey that cannot be one.
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
        self._store.put(keys.token(token_id), stored.SerializeToString())
        return token_id, f"spotted_{token_id}_{secret}"

    def all(self) -> dict[str, pb.StoredToken]:
        """Every token by its id, revoked and expired ones too."""
        names = self._store.names(keys.TOKENS)
        found = {name.removeprefix(keys.TOKENS): self._store.get(name) for name in names}
        return {
            token_id: pb.StoredToken.FromString(content)
            for token_id, content in found.items()
            if content is not None
        }

    def revoke(self, token_id: str) -> pb.StoredToken:
        """End a token; answers it. Raises NotFoundError."""
        stored = self._get(token_id)
        if stored is None:
            raise NotFoundError(f"there is no token {token_id!r}; `spotted token list` shows all")
        if not stored.HasField("revoke_time"):
            stored.revoke_time.FromNanoseconds(int(self._now() * 1e9))
            self._store.put(keys.token(token_id), stored.SerializeToString())
        return stored

    def caller(self, text: str) -> Caller:
        """Who a token stands for.

        Raises UnauthenticatedError where it is unknown, revoked or expired: the three look alike, and take
        alike.
        """
        found = TEXT.fullmatch(text)
        stored = self._get(found.group(1)) if found else None
        digest = hashlib.sha256(found.group(2).encode() if found else b"").digest()
        if (
            found is None
            or stored is None
            or not hmac.compare_digest(stored.secret_sha256, digest)
            or not self.holds(stored)
        ):
            raise UnauthenticatedError(
                "this token does not hold: it is unknown, revoked or expired; ask the operator for another "
                "one (`spotted token create`)"
            )
        return Caller(found.group(1), stored.organisation, stored.role, tuple(stored.surveys), stored.quota)

    def holds(self, stored: pb.StoredToken) -> bool:
        """Whether a token is neither revoked nor expired."""
        expired = stored.HasField("expire_time") and messages.seconds(stored.expire_time) <= self._now()
        return not expired and not stored.HasField("revoke_time")

    def _get(self, token_id: str) -> pb.StoredToken | None:
        content = self._store.get(keys.token(token_id))
        return None if content is None else pb.StoredToken.FromString(content)


class KnownCallers:
    """Callers by their tokens, looked up in the store anew every few seconds."""

    def __init__(self, tokens: Tokens, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._tokens = tokens
        self._clock = clock
        self._lock = threading.Lock()
        # by hash, so that no text of a token stays in memory
        self._known: OrderedDict[bytes, tuple[float, Caller]] = OrderedDict()

    def known(self, text: str) -> Caller | None:
        """A caller who was looked up a moment ago; None where the store must be asked."""
        with self._lock:
            looked_up, caller = self._known.get(_key(text), (float("-inf"), None))
        return caller if self._clock() - looked_up < KNOWN_S else None

    def look_up(self, text: str) -> Caller:
        """A caller as the store has it. Raises UnauthenticatedError."""
        caller = self._tokens.caller(text)
        with self._lock:
            self._known[_key(text)] = (self._clock(), caller)
            self._known.move_to_end(_key(text))
            while len(self._known) > KNOWN:
                self._known.popitem(last=False)
        return caller


def _key(text: str) -> bytes:
    return hashlib.sha256(text.encode()).digest()


def _check(organisation: str, role: pb.Role.ValueType, surveys: Sequence[str]) -> None:
    if role not in pb.Role.values() or role == pb.ROLE_UNSPECIFIED:
        raise InvalidInputError("a token needs a role; give it read, annotate, write, admin or service")
    if role == pb.ROLE_SERVICE:
        if organisation or surveys:
            raise InvalidInputError(
                "a token of role service is for every organisation; leave out organisation and surveys"
            )
    elif not ORGANISATION.fullmatch(organisation):
        raise InvalidInputError(
            f"the organisation is {organisation!r}; use 1 to 64 letters, digits and `._-`, beginning with a "
            "letter or digit"
        )
    for pattern in surveys:
        if not PATTERN.fullmatch(pattern):
            raise InvalidInputError(
                f"{pattern!r} is neither a survey id nor the beginning of one and `*`; use one such as "
                "kenya-2026 or kenya-*"
            )
