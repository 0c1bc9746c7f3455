"""Settings of the review page, read from the environment."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from spotted.client.credentials import LOOPBACK
from spotted.errors import InvalidInputError

DEFAULT_PORT = 7104
MIB = 1 << 20
HOST = re.compile(r"[a-z0-9.-]+(:\d{1,5})?|\[[0-9a-f:]+\](:\d{1,5})?")


@dataclass(frozen=True, slots=True)
class ReviewSettings:
    """Settings of one process of the review page."""

    listen: str = f"127.0.0.1:{DEFAULT_PORT}"
    """Address to serve on; one other than loopback needs `tokens`."""
    embedder: str = "127.0.0.1:7101"
    """Address of the embedder."""
    scorer: str = "127.0.0.1:7102"
    """Address of the scorer."""
    sampler: str = "127.0.0.1:7103"
    """Address of the sampler."""
    ca: Path | None = None
    """PEM file of the authority by which the services are trusted; None for no TLS."""
    directory: Path = Path("data")
    """Data directory: records of imports, thumbnails, one-time keys."""
    tokens: bool = False
    """True: people log in with a token. False: the one person of this machine, by a one-time key."""
    hosts: tuple[str, ...] = ()
    """Names, with a port if it is not the default one, under which browsers reach the page; empty: those of
    `listen`."""
    user_header: str = ""
    """Header in which a proxy that authenticates people names them; "" for none."""
    secret_file: Path | None = None
    """File with the secret that encrypts cookies, equal in all replicas; None: one in the data directory."""
    image_hosts: tuple[str, ...] = ()
    """Hosts from which photographs may be fetched by https; others are never asked."""
    cache_mib: int = 2048
    """Most bytes of thumbnails and tiles on disk, MiB."""
    hide_strips: bool = False
    """Whether the strips that cameras print into photographs are hidden from everyone."""
    log: str = "text"
    """text, or json for one object per line."""

    @property
    def allowed_hosts(self) -> frozenset[str]:
        """The values of `Host` that are answered."""
        port = self.listen.rpartition(":")[2]
        local = {f"127.0.0.1:{port}", f"localhost:{port}", f"[::1]:{port}"}
        return frozenset(self.hosts) or frozenset(local)


def from_environment(environ: Mapping[str, str]) -> ReviewSettings:
    """The settings from SPOTTED_* variables. Raises InvalidInputError that names the variable."""
    default = ReviewSettings()
    settings = ReviewSettings(
        listen=environ.get("SPOTTED_LISTEN", default.listen),
        embedder=environ.get("SPOTTED_EMBEDDER_ADDRESS", default.embedder),
        scorer=environ.get("SPOTTED_SCORER_ADDRESS", default.scorer),
        sampler=environ.get("SPOTTED_SAMPLER_ADDRESS", default.sampler),
        ca=_path(environ, "SPOTTED_TLS_CA"),
        directory=Path(environ.get("SPOTTED_DATA_DIR", default.directory)),
        tokens=_chosen(environ, "SPOTTED_AUTH", ("off", "tokens")) == "tokens",
        hosts=_hosts(environ, "SPOTTED_REVIEW_HOSTS"),
        user_header=environ.get("SPOTTED_REVIEW_USER_HEADER", "").lower(),
        secret_file=_path(environ, "SPOTTED_REVIEW_SECRET_FILE"),
        image_hosts=_hosts(environ, "SPOTTED_REVIEW_IMAGE_HOSTS"),
        cache_mib=_whole(environ, "SPOTTED_REVIEW_CACHE_MIB", default.cache_mib),
        hide_strips=_chosen(environ, "SPOTTED_REVIEW_STRIPS", ("shown", "hidden")) == "hidden",
        log=_chosen(environ, "SPOTTED_LOG", ("text", "json")),
    )
    if not settings.tokens and not LOOPBACK.fullmatch(settings.listen):
        raise InvalidInputError(
            f"SPOTTED_LISTEN {settings.listen} can be reached from other machines; set SPOTTED_AUTH=tokens, "
            "or listen on 127.0.0.1"
        )
    if settings.tokens and not settings.hosts:
        raise InvalidInputError(
            "SPOTTED_REVIEW_HOSTS is not set; give the names under which browsers reach the page, e.g. "
            "review.example.org"
        )
    return settings


def _path(environ: Mapping[str, str], variable: str) -> Path | None:
    text = environ.get(variable, "")
    return Path(text) if text else None


def _chosen(environ: Mapping[str, str], variable: str, choices: tuple[str, ...]) -> str:
    text = environ.get(variable, choices[0])
    if text not in choices:
        raise InvalidInputError(f"{variable} is {text!r}; use one of {', '.join(choices)}")
    return text


def _hosts(environ: Mapping[str, str], variable: str) -> tuple[str, ...]:
    hosts = tuple(host.strip().lower() for host in environ.get(variable, "").split(",") if host.strip())
    for host in hosts:
        if not HOST.fullmatch(host):
            raise InvalidInputError(f"{variable} has {host!r}; use names such as review.example.org")
    return hosts


def _whole(environ: Mapping[str, str], variable: str, default: int) -> int:
    text = environ.get(variable, str(default))
    if not text.isdecimal() or int(text) < 1:
        raise InvalidInputError(f"{variable} is {text!r}; use a whole number above 0")
    return int(text)
