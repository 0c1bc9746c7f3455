from __future__ import annotations

import pytest
import redis
from redis import exceptions

from services.common.store.failures import failure, no_append_only_file
from spotted.errors import PreconditionError, StoreUnavailableError

STORE = "redis://store:6379/0"


def refused(word: str) -> exceptions.ResponseError:
    """An error of the server as redis-py raises it if it has no class for the word."""
    return exceptions.ResponseError(f"{word} some words of the server")


@pytest.mark.parametrize(
    ("word", "remedy"),
    [
        ("OOM", "more memory"),
        ("MISCONF", "make room"),
        ("NOREPLICAS", "start them"),
        ("READONLY", "Sentinels"),
        ("LOADING", "wait for it"),
        ("NOAUTH", "SPOTTED_STORE_URL"),
        ("WRONGPASS", "SPOTTED_STORE_URL"),
        ("NOPERM", "allow the user"),
        ("MASTERDOWN", "Sentinels"),
        ("UNBLOCKED", "Sentinels"),
        ("BUSY", "wait for it"),
        ("CLUSTERDOWN", "start the missing nodes"),
        ("MOVED", "redis+cluster://"),
        ("TRYAGAIN", "wait for it"),
    ],
)
def test_every_word_of_a_server_has_a_remedy_and_may_be_repeated(word: str, remedy: str) -> None:
    translated = failure(refused(word), STORE)
    assert isinstance(translated, StoreUnavailableError)
    assert str(translated).startswith(f"the store at {STORE} ")
    assert remedy in str(translated)
    assert str(translated).endswith("nothing was acknowledged, repeat the call")


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (exceptions.ConnectionError("refused"), "does not answer (refused); start it"),
        (exceptions.TimeoutError("slow"), "does not answer (slow); start it"),
        (exceptions.ConnectionError("max number of clients reached"), "raise its `maxclients`"),
        (exceptions.InvalidResponse("HTTP/1.1"), "does not use the Redis protocol"),
        (exceptions.AuthenticationError("no"), "refuses the user or the password"),
    ],
)
def test_errors_of_redis_py_itself_are_translated(error: redis.RedisError, words: str) -> None:
    translated = failure(error, STORE)
    assert isinstance(translated, StoreUnavailableError)
    assert words in str(translated)


def test_a_store_that_forgets_or_is_too_old_is_no_store_to_wait_for() -> None:
    translated = failure(
        exceptions.ResponseError("WAITAOF cannot be used when appendonly is disabled."), STORE
    )
    assert isinstance(translated, PreconditionError)
    assert str(translated) == str(no_append_only_file(STORE))
    old = failure(exceptions.ResponseError("unknown command 'waitaof', with args beginning with: 1"), STORE)
    assert isinstance(old, PreconditionError)
    assert "too old" in str(old)
    assert "7.2" in str(old)


def test_other_errors_do_not_become_store_errors() -> None:
    assert failure(exceptions.ResponseError("ERR wrong number of arguments"), STORE) is None
