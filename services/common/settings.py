"""Settings of the services, read from the environment only here; the defaults are for one machine."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qs, quote, unquote, urlsplit

from spotted.errors import InvalidInputError

DEFAULT_PORTS = {"embedder": 7101, "scorer": 7102, "sampler": 7103}
DEVICES = ("cpu", "cuda", "tensorrt")
# of the scorer, whose products need no network
RANKING_DEVICES = ("cpu", "cuda")
LOGS = ("text", "json")
AUTHS = ("off", "tokens")
OFF, ON = ("", "0", "false", "no"), ("1", "true", "yes")
SECONDS = re.compile(r"\d+(\.\d+)?")


@dataclass(frozen=True)
class Security:
    """Authentication of callers and encryption of connections."""

    tokens: bool = False
    """Whether every call needs a bearer token."""
    certificate: Path | None = None
    """PEM file of the server's certificate; read again when it changes."""
    key: Path | None = None
    """PEM file of the certificate's key; read again when it changes."""
    client_ca: Path | None = None
    """PEM file of the authority of client certificates; if set, every client must present one."""
    ca: Path | None = None
    """PEM file of the authority by which this service trusts the scorer."""
    token_file: Path | None = None
    """File with this service's own token."""


@dataclass(frozen=True)
class Settings:
    """Settings of one service process."""

    listen: str
    """Address to serve on; an address other than loopback needs tokens and TLS."""
    store_url: str = "redis://127.0.0.1:7100/0"
    """URL of the store (Redis protocol)."""
    scorer_address: str = f"127.0.0.1:{DEFAULT_PORTS['scorer']}"
    """Address of the scorer, for the sampler."""
    vector_blocks: str = ""
    """Folder, or URL in an object store, of the vectors of surveys; "": they stay in the store."""
    object_store_settings: Path | None = None
    """Directory with one file per setting of the object store; None: only variables such as AWS_REGION."""
    models: Path = Path("models")
    """Directory of exported backbones and local methods."""
    model_ids: tuple[str, ...] = ("efficientnet-lite0",)
    """Backbones to load, the default first."""
    segmenter: Path | None = None
    """Directory of a segmenter; None: only masks sent with the crops are used."""
    device: str = "cpu"
    """cpu, cuda or tensorrt."""
    scorer_device: str = "cpu"
    """cpu or cuda: multiplies the vectors of surveys, by torch if not the CPU."""
    workers: int = 0
    """Threads that decode and, on a CPU, run the model; 0: one per core available to the process."""
    planners: int = 1
    """Processes in which the sampler plans rounds; a survey is always planned by the same one."""
    memory_percent: int = 100
    """Part of the container's memory limit, or else of the machine's memory, that the service may take,
    percent."""
    memory_mib: int | None = None
    """Memory for surveys in the scorer, for sessions in the sampler and in each of its planning processes,
    for images being decoded in the embedder, MiB; None: from the memory limit."""
    health_listen: str = ""
    """Address of a second port only for health, without TLS; "": none."""
    metrics_listen: str = ""
    """Address of Prometheus metrics over HTTP; "": none."""
    log: str = "text"
    """text, or json for one object per line."""
    traces: str = ""
    """OTLP endpoint for traces over gRPC; "": none."""
    reflection: bool = False
    """Whether to serve gRPC reflection."""
    drain_s: float = 20.0
    """Time for running calls to finish after connections close, seconds."""
    propagation_s: float = 0.2
    """How long health reports NOT_SERVING before connections close, seconds."""
    connection_age_s: float = 0.0
    """Age at which connections are closed so that clients find new replicas, seconds; 0: never."""
    security: Security = Security()
    """Authentication and TLS."""


def from_environment(service: str, environ: Mapping[str, str]) -> Settings:
    """The settings of a service from SPOTTED_* variables.

    Raises InvalidInputError that names the variable with an invalid value.
    """
    return Settings(
        listen=environ.get("SPOTTED_LISTEN", f"127.0.0.1:{DEFAULT_PORTS[service]}"),
        store_url=with_password(
            environ.get("SPOTTED_STORE_URL", Settings.store_url),
            _path(environ, "SPOTTED_STORE_PASSWORD_FILE"),
        ),
        vector_blocks=environ.get("SPOTTED_VECTOR_BLOCKS_URL", ""),
        object_store_settings=_path(environ, "SPOTTED_OBJECT_STORE_SETTINGS"),
        scorer_address=environ.get("SPOTTED_SCORER_ADDRESS", Settings.scorer_address),
        models=Path(environ.get("SPOTTED_MODELS", "models")),
        model_ids=_model_ids(environ),
        segmenter=_path(environ, "SPOTTED_SEGMENTER"),
        device=_one_of(environ, "SPOTTED_DEVICE", DEVICES),
        scorer_device=_one_of(environ, "SPOTTED_SCORER_DEVICE", RANKING_DEVICES),
        workers=_whole(environ, "SPOTTED_WORKERS", Settings.workers),
        planners=max(1, _whole(environ, "SPOTTED_PLANNERS", Settings.planners)),
        memory_percent=_percent(environ, "SPOTTED_MEMORY_PERCENT", Settings.memory_percent),
        memory_mib=_whole(environ, "SPOTTED_MEMORY_MIB", 0) if "SPOTTED_MEMORY_MIB" in environ else None,
        health_listen=environ.get("SPOTTED_HEALTH_LISTEN", ""),
        metrics_listen=environ.get("SPOTTED_METRICS_LISTEN", ""),
        log=_one_of(environ, "SPOTTED_LOG", LOGS),
        traces=environ.get("SPOTTED_TRACES", ""),
        reflection=_one_of(environ, "SPOTTED_REFLECTION", (*OFF, *ON)) in ON,
        drain_s=_seconds(environ, "SPOTTED_DRAIN_S", Settings.drain_s),
        propagation_s=_seconds(environ, "SPOTTED_PROPAGATION_S", Settings.propagation_s),
        connection_age_s=_seconds(environ, "SPOTTED_CONNECTION_AGE_S", Settings.connection_age_s),
        security=_security(environ),
    )


def with_password(url: str, file: Path | None) -> str:
    """A store's URL with the password in a file, so that neither arguments nor variables hold it.

    Sentinels get the same password unless the URL has a `sentinel_password`, which may be empty.
    Raises InvalidInputError if the file cannot be read, or the URL has another password.
    """
    if file is None:
        return url
    try:
        password = file.read_text().strip()
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidInputError(
            f"SPOTTED_STORE_PASSWORD_FILE {file} cannot be read ({type(error).__name__}); correct the path "
            "or its permissions"
        ) from None
    if not password:
        raise InvalidInputError(f"SPOTTED_STORE_PASSWORD_FILE {file} is empty; write the password to it")
    parts = urlsplit(url)
    account, _, hosts = parts.netloc.rpartition("@")
    user, _, given = account.partition(":")
    if given and unquote(given) != password:
        raise InvalidInputError(
            "SPOTTED_STORE_URL has a password that differs from the one in SPOTTED_STORE_PASSWORD_FILE; "
            "remove it from the URL"
        )
    query = parts.query
    if "+sentinel" in parts.scheme and "sentinel_password" not in parse_qs(query, keep_blank_values=True):
        query = f"{query}&sentinel_password={quote(password, safe='')}".lstrip("&")
    return parts._replace(netloc=f"{user}:{quote(password, safe='')}@{hosts}", query=query).geturl()


def _security(environ: Mapping[str, str]) -> Security:
    certificate, key = _path(environ, "SPOTTED_TLS_CERT"), _path(environ, "SPOTTED_TLS_KEY")
    client_ca = _path(environ, "SPOTTED_TLS_CLIENT_CA")
    if (certificate is None) != (key is None):
        raise InvalidInputError(
            "only one of SPOTTED_TLS_CERT and SPOTTED_TLS_KEY is set; set both or neither"
        )
    if client_ca and not certificate:
        raise InvalidInputError(
            "SPOTTED_TLS_CLIENT_CA needs a server certificate; set SPOTTED_TLS_CERT and SPOTTED_TLS_KEY"
        )
    return Security(
        tokens=_one_of(environ, "SPOTTED_AUTH", AUTHS) == "tokens",
        certificate=certificate,
        key=key,
        client_ca=client_ca,
        ca=_path(environ, "SPOTTED_TLS_CA"),
        token_file=_path(environ, "SPOTTED_TOKEN_FILE"),
    )


def _path(environ: Mapping[str, str], variable: str) -> Path | None:
    text = environ.get(variable, "")
    return Path(text) if text else None


def _one_of(environ: Mapping[str, str], variable: str, choices: Sequence[str]) -> str:
    """The value if it is one of the choices; the first choice if the variable is not set."""
    text = environ.get(variable, choices[0])
    if text not in choices:
        raise InvalidInputError(f"{variable} is {text!r}; use one of {', '.join(filter(None, choices))}")
    return text


def _seconds(environ: Mapping[str, str], variable: str, default: float) -> float:
    text = environ.get(variable, str(default))
    if not SECONDS.fullmatch(text):
        raise InvalidInputError(f"{variable} is {text!r}; use a number of seconds, e.g. 20 or 0.5")
    return float(text)


def _model_ids(environ: Mapping[str, str]) -> tuple[str, ...]:
    text = environ.get("SPOTTED_MODEL", ",".join(Settings.model_ids))
    model_ids = tuple(part.strip() for part in text.split(","))
    if not all(model_ids):
        raise InvalidInputError(f"SPOTTED_MODEL is {text!r}; use model ids separated by commas")
    return model_ids


def _whole(environ: Mapping[str, str], variable: str, default: int) -> int:
    text = environ.get(variable, str(default))
    if not text.isdecimal():
        raise InvalidInputError(f"{variable} is {text!r}; use a whole number")
    return int(text)


def _percent(environ: Mapping[str, str], variable: str, default: int) -> int:
    value = _whole(environ, variable, default)
    if not 0 < value <= 100:  # noqa: PLR2004 - percent
        raise InvalidInputError(f"{variable} is {environ[variable]!r}; use a whole number from 1 to 100")
    return value
