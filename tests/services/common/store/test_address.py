from __future__ import annotations

from typing import Any

import pytest
from redis.connection import SSLConnection

from services.common.store.address import ANSWER_TIMEOUT_S, parse
from services.common.store.store import Store
from spotted.errors import InvalidInputError


def test_one_store_is_taken_apart_without_showing_who_enters() -> None:
    address = parse("rediss://ann:secret@store:7000/2?ssl_ca_certs=/ca.pem&replicas=1&socket_timeout=1.5")
    assert address.shown == "rediss://store:7000/2"
    assert (address.replicas, address.timeout_s, address.sentinels) == (1, 1.5, ())
    assert address.url == "rediss://ann:secret@store:7000/2?ssl_ca_certs=%2Fca.pem"
    assert "secret" not in repr(address)


def test_sentinels_are_taken_apart() -> None:
    address = parse("redis+sentinel://ann:secret@one:7001,two,[::1]:7003/spotted/3?sentinel_password=hidden")
    assert address.shown == "redis+sentinel://one:7001,two,[::1]:7003/spotted/3"
    assert address.sentinels == (("one", 7001), ("two", 26379), ("::1", 7003))
    assert (address.service, address.replicas, address.timeout_s) == ("spotted", 0, ANSWER_TIMEOUT_S)
    assert address.url.startswith("redis://ann:secret@primary/3")
    assert address.sentinel_password == "hidden"  # noqa: S105 - a made-up one
    assert not {"secret", "hidden"} & set(repr(address).replace("'", " ").split())


@pytest.mark.parametrize(
    "url",
    [
        "http://ann:secret@store/0",
        "redis://ann:secret@store:port/0",
        "redis:///0",
        "redis+sentinel://ann:secret@one:7001/",
        "redis+sentinel:///spotted/0",
        "redis+cluster:///",
        "redis+cluster://ann:secret@one:7001,two/1",
        "redis+cluster://ann:secret@one:7001?no_such_setting=1",
        "redis://ann:secret@store/0?replicas=some",
        "redis://ann:secret@store/0?replicas=-1",
        "redis://ann:secret@store/0?socket_timeout=0",
        "redis://ann:secret@store/0?socket_timeout=",
        "redis://ann:secret@store/0?no_such_setting=1",
    ],
)
def test_a_url_that_cannot_be_used_is_refused_with_the_forms_and_no_password(url: str) -> None:
    with pytest.raises(InvalidInputError, match=r"SPOTTED_STORE_URL .*use redis://host:port/0") as refused:
        Store(url)
    assert "secret" not in str(refused.value)


@pytest.mark.parametrize("encrypted", [False, True])
def test_nodes_of_a_cluster_are_reached_over_tls_if_the_url_says_so(*, encrypted: bool) -> None:
    scheme, query = ("rediss", "?ssl_ca_certs=/ca.pem") if encrypted else ("redis", "")
    address = parse(f"{scheme}+cluster://ann:secret@one:1,two:2{query}")
    pool = address.node("one", 1).connection_pool
    assert issubclass(pool.connection_class, SSLConnection) is encrypted
    assert pool.connection_kwargs.get("ssl_ca_certs") == ("/ca.pem" if encrypted else None)
    assert (pool.connection_kwargs["username"], pool.connection_kwargs["password"]) == ("ann", "secret")


@pytest.mark.parametrize("encrypted", [False, True])
def test_sentinels_are_asked_over_tls_if_the_store_is(*, encrypted: bool) -> None:
    scheme, query = ("rediss", "?ssl_ca_certs=/ca.pem") if encrypted else ("redis", "")
    made = parse(f"{scheme}+sentinel://one:1,two:2/name/0{query}").client(lambda _: None)
    manager: Any = made.connection_pool.sentinel_manager  # type: ignore[attr-defined] # of a Sentinel's pool
    for sentinel in manager.sentinels:
        pool = sentinel.connection_pool
        assert issubclass(pool.connection_class, SSLConnection) is encrypted
        assert pool.connection_kwargs.get("ssl_ca_certs") == ("/ca.pem" if encrypted else None)
    made.close()
