"""Address of the store: one server, the primary found through Sentinels, or a cluster."""

from __future__ import annotations

import socket
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import cast
from urllib.parse import SplitResult, parse_qsl, unquote, urlencode, urlsplit

import redis
from redis import DriverInfo
from redis.backoff import ExponentialBackoff
from redis.connection import AbstractConnection, parse_url
from redis.retry import Retry
from redis.sentinel import Sentinel

from services.common.store.cluster import ClusterAddress, ClusterNodes
from services.common.store.nodes import Nodes, OneNode
from spotted.errors import InvalidInputError

CONNECT_TIMEOUT_S = 2.0
# a store that takes longer counts as unavailable; five attempts fit into the deadline of a client, so that it
# gets an error about the store and not only a timeout
ANSWER_TIMEOUT_S = 5.0
LEAST_TIMEOUT_S = 0.1
# a Sentinel answers from memory
SENTINEL_TIMEOUT_S = 0.5
RETRIES = 2
# idle seconds before the first probe, seconds between probes, and probes before the connection is closed
KEEPALIVE = {socket.TCP_KEEPIDLE: 15, socket.TCP_KEEPINTVL: 5, socket.TCP_KEEPCNT: 3}
# redis-py would look up its own version, which it sends to the store, for every connection
DRIVER = DriverInfo()
SENTINEL_SCHEMES = {"redis+sentinel": "redis", "rediss+sentinel": "rediss"}
CLUSTER_SCHEMES = {"redis+cluster": "redis", "rediss+cluster": "rediss"}
SENTINEL_PORT = 26379
NODE_PORT = 6379
FORMS = (
    "use redis://host:port/0, rediss://host:port/0?ssl_ca_certs=ca.pem, "
    "redis+sentinel://host:port,host:port/service/0 or redis+cluster://host:port,host:port"
)

Connected = Callable[[AbstractConnection], None]


@dataclass(frozen=True, slots=True)
class StoreAddress:
    """The parts of a store's URL."""

    shown: str
    """The URL without user, password and settings, for messages."""
    url: str = field(repr=False)
    """The URL for redis-py; with Sentinels, the primary's URL with a placeholder for its host."""
    timeout_s: float = ANSWER_TIMEOUT_S
    """Time in which the store must answer."""
    replicas: int = 0
    """Replicas that must have a write, besides the primary, before it is acknowledged."""
    sentinels: tuple[tuple[str, int], ...] = ()
    """Host and port of each Sentinel; empty: the URL's host is the store."""
    service: str = ""
    """Name under which the Sentinels know the primary."""
    sentinel_password: str | None = field(default=None, repr=False)
    cluster: tuple[tuple[str, int], ...] = ()
    """Host and port of some nodes of a cluster; empty: no cluster."""

    def nodes(self, connected: Connected, checked: Connected) -> Nodes:
        """The servers, without open connections.

        connected: called with each connection when opened, to greet and to check it. checked: the same after
        it was greeted. Raises InvalidInputError for an unknown setting in the URL.
        """
        client = self.client(connected)
        if not self.cluster:
            return OneNode(client)
        client.close()
        settings = {**self._settings(), **_given(self.url)}
        del settings["retry"]
        return ClusterNodes(ClusterAddress(self.cluster, settings, self.timeout_s, self.shown), checked)

    def node(self, host: str, port: int) -> redis.Redis:
        """A client of one node of the cluster, for an operator."""
        return redis.Redis(host=host, port=port, **{**self._settings(), **_given(self.url)})  # type: ignore[arg-type] # by name

    def client(self, connected: Connected) -> redis.Redis:
        """A connection pool without open connections. connected: called with each connection when opened.

        Raises InvalidInputError for an unknown setting in the URL.
        """
        settings = {**self._settings(), "redis_connect_func": connected}
        made = self._primary(settings) if self.sentinels else redis.Redis.from_url(self.url, **settings)
        try:
            made.connection_pool.make_connection()
        except TypeError as error:
            raise InvalidInputError(f"SPOTTED_STORE_URL has an unknown setting ({error}); {FORMS}") from None
        return made

    def _settings(self) -> dict[str, object]:
        return {
            "socket_connect_timeout": CONNECT_TIMEOUT_S,
            "socket_timeout": self.timeout_s,
            "socket_keepalive": True,
            "driver_info": DRIVER,
            "socket_keepalive_options": KEEPALIVE,
            # retries are safe: every write is a script guarded by position and request id, or sets a value. A
            # command that timed out is not sent again, since its caller has waited long enough.
            "retry": Retry(ExponentialBackoff(cap=0.5, base=0.05), RETRIES, (redis.ConnectionError,)),
        }

    def _primary(self, settings: dict[str, object]) -> redis.Redis:
        given = _given(self.url)
        encrypted = {name: value for name, value in given.items() if name.startswith("ssl")}
        sentinels = Sentinel(
            self.sentinels,
            sentinel_kwargs={
                "socket_timeout": SENTINEL_TIMEOUT_S,
                "socket_connect_timeout": SENTINEL_TIMEOUT_S,
                "password": self.sentinel_password,
                **encrypted,
            },
        )
        return cast("redis.Redis", sentinels.master_for(self.service, **{**settings, **given}))


def parse(url: str) -> StoreAddress:
    """The address in a URL. Raises InvalidInputError, which never contains a password."""
    try:
        parts = urlsplit(url)
        scheme, query = parts.scheme, dict(parse_qsl(parts.query, keep_blank_values=True))
        hosts = parts.netloc.rpartition("@")[2]
        shown = f"{scheme}://{hosts}{parts.path}"
        replicas = int(_at_least(0.0, query.pop("replicas", "0")))
        timeout_s = _at_least(LEAST_TIMEOUT_S, query.pop("socket_timeout", str(ANSWER_TIMEOUT_S)))
        password = query.pop("sentinel_password", None)
        if scheme in SENTINEL_SCHEMES:
            address = StoreAddress(shown, "", timeout_s, replicas, sentinel_password=password)
            return _behind_sentinels(parts, query, address)
        if scheme in CLUSTER_SCHEMES:
            return _of_cluster(parts, query, StoreAddress(shown, "", timeout_s, replicas))
        rest = parts._replace(query=urlencode(query)).geturl()
        parse_url(rest)
    except ValueError as error:
        # the text of some of these errors contains parts of the URL
        raise InvalidInputError(
            f"SPOTTED_STORE_URL is not a valid URL ({type(error).__name__}); {FORMS}"
        ) from None
    if not hosts and scheme != "unix":
        raise InvalidInputError(f"SPOTTED_STORE_URL has no host; {FORMS}")
    return StoreAddress(shown, rest, timeout_s, replicas)


def _behind_sentinels(parts: SplitResult, query: dict[str, str], address: StoreAddress) -> StoreAddress:
    account, at, hosts = parts.netloc.rpartition("@")
    service, _, database = parts.path.strip("/").partition("/")
    if not service or not hosts:
        raise InvalidInputError(f"SPOTTED_STORE_URL has no Sentinel host or no service name; {FORMS}")
    url = f"{SENTINEL_SCHEMES[parts.scheme]}://{account}{at}primary/{database or '0'}?{urlencode(query)}"
    parse_url(url)
    return replace(
        address,
        url=url,
        sentinels=tuple(_host_and_port(host, SENTINEL_PORT) for host in hosts.split(",")),
        service=unquote(service),
    )


def _of_cluster(parts: SplitResult, query: dict[str, str], address: StoreAddress) -> StoreAddress:
    account, at, hosts = parts.netloc.rpartition("@")
    if not hosts or parts.path.strip("/") not in {"", "0"}:
        raise InvalidInputError(f"SPOTTED_STORE_URL has no node of the cluster, or a database; {FORMS}")
    url = f"{CLUSTER_SCHEMES[parts.scheme]}://{account}{at}node?{urlencode(query)}"
    parse_url(url)
    nodes = tuple(_host_and_port(host, NODE_PORT) for host in hosts.split(","))
    return replace(address, url=url, cluster=nodes)


def _given(url: str) -> dict[str, object]:
    """The settings of a URL for any server, without host and port."""
    given = dict(parse_url(url))
    for name in ("host", "port"):
        given.pop(name, None)
    if given.pop("connection_class", None) is not None:
        given["ssl"] = True
    return given


def _at_least(least: float, text: str) -> float:
    value = float(text)
    if not value >= least:
        raise ValueError(text)
    return value


def _host_and_port(text: str, port: int) -> tuple[str, int]:
    parts = urlsplit(f"//{text}")
    return parts.hostname or "", parts.port or port
