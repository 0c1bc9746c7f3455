from __future__ import annotations

import asyncio
import base64
import hashlib
import threading
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from services.common.access.caller import Caller
from services.common.access.guard import RECHECK_S
from services.common.access.tokens import (
    KNOWN,
    KNOWN_S,
    REFUSED,
    REFUSED_S,
    TEXT,
    KnownCallers,
    Tokens,
)
from services.common.store import keys
from services.common.store.store import Store
from spotted import messages
from spotted.errors import InvalidInputError, NotFoundError, UnauthenticatedError
from spotted.local import processes
from spotted.v1 import access_pb2 as pb
from tests.services.journal_entries import break_value

NOW_S = 1_800_000_000.0
QUOTA = pb.Quota(calls_per_second=2.5, surveys=3)


@dataclass
class Clock:
    """Seconds as a test sets them."""

    now_s: float = NOW_S

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def tokens(store: Store, clock: Clock) -> Tokens:
    return Tokens(store, now=clock)


def create(tokens: Tokens, role: pb.Role.ValueType = pb.ROLE_WRITE, **more: object) -> tuple[str, str]:
    return tokens.create(organisation="wcs", role=role, **more)  # type: ignore[arg-type] # by name


def refusal(tokens: Tokens, text: str) -> str:
    with pytest.raises(UnauthenticatedError) as caught:
        tokens.caller(text)
    return str(caught.value)


def everything(store: Store) -> Iterator[bytes]:
    """Every key of a store with all that it holds, of whatever type."""
    dump = store.script("return redis.call('DUMP', KEYS[1])", writes=False)
    for name in store.names(""):
        yield name.encode()
        content = dump([name], [])
        if isinstance(content, bytes):
            yield content


def test_a_token_stands_for_who_it_was_made_for(tokens: Tokens) -> None:
    token_id, text = create(tokens, surveys=["kenya-*"], quota=QUOTA, expires_s=NOW_S + 1)
    assert tokens.caller(text) == Caller(token_id, "wcs", pb.ROLE_WRITE, ("kenya-*",), QUOTA)
    found = TEXT.fullmatch(text)
    assert found is not None
    assert found[1] == token_id
    # 32 bytes, and no two tokens alike
    assert len(base64.urlsafe_b64decode(found[2] + "=")) == 32
    assert len({create(tokens)[1].rpartition("_")[2] for _ in range(20)}) == 20


def test_the_store_never_holds_the_secret(tokens: Tokens, store: Store) -> None:
    token_id, text = create(tokens, note="for the camera team")
    tokens.caller(text)
    tokens.revoke(token_id)
    secret = text.removeprefix(f"spotted_{token_id}_").encode()
    held = list(everything(store))
    assert any(token_id.encode() in one for one in held)
    assert any(hashlib.sha256(secret).digest() in one for one in held)
    for form in (secret, base64.urlsafe_b64decode(secret + b"="), secret[:16], secret[-16:]):
        assert not any(form in one for one in held)


def test_whatever_is_wrong_with_a_token_is_said_alike(tokens: Tokens, clock: Clock) -> None:
    revoked_id, revoked = create(tokens)
    tokens.revoke(revoked_id)
    token_id, good = create(tokens)
    _, expired = create(tokens, expires_s=NOW_S + 10)
    clock.now_s += 10
    other_secret = f"spotted_{token_id}_{create(tokens)[1].removeprefix('spotted_')[17:]}"
    unknown = good.replace(token_id, "0" * 16)
    malformed = [
        "",
        "x",
        good + "x",
        good[:-1],
        good.upper(),
        f" {good}",
        f"{good}\n",
        "spotted_*_" + "a" * 43,
    ]
    said = {refusal(tokens, text) for text in [revoked, expired, other_secret, unknown, *malformed]}
    assert len(said) == 1
    assert "unknown, revoked or expired" in said.pop()
    assert tokens.caller(good).token_id == token_id


def test_a_refusal_does_not_repeat_what_was_sent(tokens: Tokens) -> None:
    _, text = create(tokens)
    assert text[-20:] not in refusal(tokens, text + "x")


def test_a_token_holds_until_it_expires(tokens: Tokens, clock: Clock) -> None:
    _, text = create(tokens, expires_s=NOW_S + 10)
    clock.now_s = NOW_S + 9.999
    assert tokens.caller(text).organisation == "wcs"
    clock.now_s = NOW_S + 10
    refusal(tokens, text)


def test_a_token_is_revoked_once_and_still_listed(tokens: Tokens, clock: Clock) -> None:
    token_id, _ = create(tokens, note="lost")
    first = tokens.revoke(token_id)
    clock.now_s += 100
    assert tokens.revoke(token_id) == first
    assert messages.seconds(first.revoke_time) == NOW_S
    listed = tokens.all()[token_id]
    assert listed == first
    assert (listed.note, messages.seconds(listed.create_time)) == ("lost", NOW_S)
    assert not tokens.is_valid(listed)
    with pytest.raises(NotFoundError, match="spotted token list"):
        tokens.revoke("0" * 16)


@pytest.mark.parametrize("organisation", ["", "a/b", "-a", "a b", "a}", "{a", "ü", "a" * 65, "a\n", ".."])
def test_an_organisation_that_cannot_be_one_is_refused(tokens: Tokens, organisation: str) -> None:
    with pytest.raises(InvalidInputError, match="organisation is"):
        tokens.create(organisation=organisation, role=pb.ROLE_READ)


@pytest.mark.parametrize("pattern", ["", "*a", "a*b", "a/b", "[a]", "a?", "a\n", "**"])
def test_a_pattern_that_is_no_beginning_is_refused(tokens: Tokens, pattern: str) -> None:
    with pytest.raises(InvalidInputError, match="neither a survey id nor a prefix"):
        create(tokens, surveys=[pattern])


def test_a_token_without_a_role_is_not_made(tokens: Tokens) -> None:
    with pytest.raises(InvalidInputError, match="role"):
        create(tokens, pb.ROLE_UNSPECIFIED)


@pytest.mark.parametrize("more", [{"organisation": "wcs"}, {"organisation": "", "surveys": ["kenya"]}])
def test_a_service_is_of_no_organisation(tokens: Tokens, more: dict[str, object]) -> None:
    with pytest.raises(InvalidInputError, match="role service is valid for all organisations"):
        tokens.create(role=pb.ROLE_SERVICE, **more)  # type: ignore[arg-type] # by name
    _, text = tokens.create(organisation="", role=pb.ROLE_SERVICE)
    assert tokens.caller(text).speaks_for_all


def test_a_revoked_token_is_known_for_five_seconds_at_most(tokens: Tokens) -> None:
    assert KNOWN_S + RECHECK_S <= 5.0
    clock = Clock(0.0)
    callers = KnownCallers(tokens, clock=clock)
    token_id, text = create(tokens)
    assert callers.known(text) is None
    assert callers.look_up(text).token_id == token_id
    tokens.revoke(token_id)
    clock.now_s = KNOWN_S - 0.001
    known = callers.known(text)
    assert known is not None
    assert known.token_id == token_id
    clock.now_s = KNOWN_S
    assert callers.known(text) is None
    with pytest.raises(UnauthenticatedError):
        callers.look_up(text)
    with pytest.raises(UnauthenticatedError):
        callers.known(text)


def test_a_refused_token_is_read_again_only_after_a_while(tokens: Tokens, store: Store) -> None:
    clock = Clock(0.0)
    callers = KnownCallers(tokens, clock=clock)
    token_id, text = create(tokens)
    content = store.get(keys.token(token_id))
    assert content is not None
    store.delete(keys.token(token_id))
    with pytest.raises(UnauthenticatedError):
        asyncio.run(callers.caller(text))
    store.put(keys.token(token_id), content)
    clock.now_s = REFUSED_S - 0.001
    with pytest.raises(UnauthenticatedError):
        asyncio.run(callers.caller(text))
    clock.now_s = REFUSED_S
    assert asyncio.run(callers.caller(text)).token_id == token_id


def test_a_token_of_the_wrong_form_is_refused_without_the_store() -> None:
    away = Store(f"redis://127.0.0.1:{processes.free_port()}/0")
    with pytest.raises(UnauthenticatedError):
        asyncio.run(KnownCallers(Tokens(away)).caller("nonsense"))
    away.close()


def test_refused_tokens_are_kept_within_a_limit(tokens: Tokens) -> None:
    callers = KnownCallers(tokens, clock=Clock(0.0))
    refused = callers._refused
    for number in range(REFUSED):
        refused[number.to_bytes(32)] = 0.0
    with pytest.raises(UnauthenticatedError):
        callers.look_up(f"spotted_{'0' * 16}_{'a' * 43}")
    assert len(refused) == REFUSED
    assert (0).to_bytes(32) not in refused


class Slow(Tokens):
    """Tokens whose unknown ones are not found before a test says so."""

    def __init__(self, store: Store) -> None:
        super().__init__(store)
        self.proceed = threading.Event()

    def caller(self, text: str) -> Caller:
        if text.endswith("unknown"):
            assert self.proceed.wait(60)
        return super().caller(text)


def test_a_flood_of_unknown_tokens_does_not_delay_a_known_one(store: Store) -> None:
    clock, slow = Clock(0.0), Slow(store)
    callers = KnownCallers(slow, clock=clock)
    token_id, text = create(slow)
    unknown = [f"spotted_{number:016x}_{'a' * 36}unknown" for number in range(200)]

    async def flooded() -> Caller:
        await callers.caller(text)
        clock.now_s = KNOWN_S
        flood = [asyncio.create_task(callers.caller(one)) for one in unknown]
        # neither its read nor the threads that serve calls wait for the flood
        renewed = await callers.caller(text)
        await asyncio.to_thread(slow.proceed.set)
        refusals = await asyncio.gather(*flood, return_exceptions=True)
        assert {type(one) for one in refusals} == {UnauthenticatedError}
        return renewed

    assert asyncio.run(flooded()).token_id == token_id


def test_no_more_callers_are_kept_than_there_is_room_for(tokens: Tokens, store: Store) -> None:
    clock = Clock(0.0)
    callers = KnownCallers(tokens, clock=clock)
    _, first = create(tokens)
    _, second = create(tokens)
    content = store.get(keys.token(first.split("_")[1]))
    assert content is not None
    # ten thousand looks would take a minute
    known = callers._known
    for number in range(KNOWN):
        known[number.to_bytes(32)] = (0.0, Caller(str(number)))
    callers.look_up(first)
    callers.look_up(second)
    assert len(known) == KNOWN
    assert callers.known(first) is not None
    assert (0).to_bytes(32) not in known
    assert (1).to_bytes(32) not in known
    assert (2).to_bytes(32) in known


def test_a_damaged_token_is_refused_listed_apart_and_revoked(tokens: Tokens, store: Store) -> None:
    token_id, text = create(tokens)
    other, _ = create(tokens)
    break_value(store, keys.token(token_id))
    with pytest.raises(UnauthenticatedError, match="this token is not valid"):
        tokens.caller(text)
    assert tokens.damaged() == [token_id]
    assert token_id not in tokens.all()
    assert other in tokens.all()
    tokens.revoke(token_id)
    assert tokens.damaged() == []
    with pytest.raises(NotFoundError):
        tokens.revoke(token_id)
