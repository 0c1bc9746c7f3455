"""The one reader of the environment: every service's settings, with defaults for one machine."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from spotted.errors import InvalidInputError

DEFAULT_PORTS = {"embedder": 7101, "scorer": 7102, "sampler": 7103}
DEVICES = ("cpu", "cuda", "tensorrt")
LOGS = ("text", "json")
AUTHS = ("off", "tokens")
OFF, ON = ("", "0", "false", "no"), ("1", "true", "yes")
SECONDS = re.compile(r"\d+(\.\d+)?")


@dataclass(frozen=True)
class Security:
    """Who is let in, and how a connection is kept private.

    tokens: every call needs a bearer token. certificate, key: PEM files to serve TLS with; read again when
    they change. client_ca: PEM of who signs clients' certificates; with it every client must show one.
    ca: PEM by which this service trusts the scorer. token_file: holds this service's own token.
    """

    tokens: bool = False
    certificate: Path | None = None
    key: Path | None = None
    client_ca: Path | None = None
    ca: Path | None = None
    token_file: Path | None = None


@dataclass(frozen=True)
class Settings:
    """What one service process is told from outside.

    listen: address to serve on; one that is not loopback needs tokens and TLS. security: who is let in.
    store_url: Redis protocol URL of the store.
    scorer_address: where the sampler finds the scorer.
    models: directory of exported backbones; model_ids: those to load, the default first.
    segmenter: directory of a segmenter; None: masks come with the crops or not at all.
    device: cpu, cuda or tensorrt; workers: threads that decode and, on a CPU, run the model; 0: as many
        as this process may use cores.
    planners: processes in which the sampler plans rounds; a survey is always planned by the same one.
    memory_mib: memory that surveys may take in the scorer, and sessions in the sampler and in each of its
        planning processes, MiB; those not used for longest leave it.
    health_listen: address of a second port that tells health alone, without TLS; "": none.
    metrics_listen: address of Prometheus metrics over HTTP; "": none.
    log: text, or json for one object a line. traces: OTLP endpoint of traces over gRPC; "": none.
    reflection: answer gRPC reflection.
    propagation_s: how long health says NOT_SERVING before connections close; drain_s: how long running
        calls may take to finish then. connection_age_s: connections are closed after it, so that clients
        find new replicas; 0: never.
    """

    listen: str
    store_url: str = "redis://127.0.0.1:7100/0"
    scorer_address: str = f"127.0.0.1:{DEFAULT_PORTS['scorer']}"
    models: Path = Path("models")
    model_ids: tuple[str, ...] = ("efficientnet-lite0",)
    segmenter: Path | None = None
    device: str = "cpu"
    workers: int = 0
    planners: int = 1
    memory_mib: int = 4096
    health_listen: str = ""
    metrics_listen: str = ""
    log: str = "text"
    traces: str = ""
    reflection: bool = False
    drain_s: float = 20.0
    propagation_s: float = 0.2
    connection_age_s: float = 0.0
    security: Security = Security()

    @property
    def memory_bytes(self) -> int:
        """Memory that surveys or sessions may take."""
        return self.memory_mib * 1024**2


def from_environment(service: str, environ: Mapping[str, str]) -> Settings:
    """The settings of a service from SPOTTED_* variables.

    Raises InvalidInputError that names the variable where a value cannot be used.
    """
    return Settings(
        listen=environ.get("SPOTTED_LISTEN", f"127.0.0.1:{DEFAULT_PORTS[service]}"),
        store_url=environ.get("SPOTTED_STORE_URL", Settings.store_url),
        scorer_address=environ.get("SPOTTED_SCORER_ADDRESS", Settings.scorer_address),
        models=Path(environ.get("SPOTTED_MODELS", "models")),
        model_ids=_model_ids(environ),
        segmenter=_path(environ, "SPOTTED_SEGMENTER"),
        device=_one_of(environ, "SPOTTED_DEVICE", DEVICES),
        workers=_whole(environ, "SPOTTED_WORKERS", Settings.workers),
        planners=max(1, _whole(environ, "SPOTTED_PLANNERS", Settings.planners)),
        memory_mib=_whole(environ, "SPOTTED_MEMORY_MIB", Settings.memory_mib),
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


def _security(environ: Mapping[str, str]) -> Security:
    certificate, key = _path(environ, "SPOTTED_TLS_CERT"), _path(environ, "SPOTTED_TLS_KEY")
    client_ca = _path(environ, "SPOTTED_TLS_CLIENT_CA")
    if (certificate is None) != (key is None):
        raise InvalidInputError("SPOTTED_TLS_CERT and SPOTTED_TLS_KEY need each other; set both or neither")
    if client_ca and not certificate:
        raise InvalidInputError(
            "SPOTTED_TLS_CLIENT_CA needs a certificate of the service; set SPOTTED_TLS_CERT, SPOTTED_TLS_KEY"
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
    """One of some words, the first where the variable is not set."""
    text = environ.get(variable, choices[0])
    if text not in choices:
        raise InvalidInputError(f"{variable} is {text!r}; use one of {', '.join(filter(None, choices))}")
    return text


def _seconds(environ: Mapping[str, str], variable: str, default: float) -> float:
    text = environ.get(variable, str(default))
    if not SECONDS.fullmatch(text):
        raise InvalidInputError(f"{variable} is {text!r}; use a number of seconds such as 20 or 0.5")
    return float(text)


def _model_ids(environ: Mapping[str, str]) -> tuple[str, ...]:
    text = environ.get("SPOTTED_MODEL", ",".join(Settings.model_ids))
    model_ids = tuple(part.strip() for part in text.split(","))
    if not all(model_ids):
        raise InvalidInputError(f"SPOTTED_MODEL is {text!r}; use model ids with commas between them")
    return model_ids


def _whole(environ: Mapping[str, str], variable: str, default: int) -> int:
    text = environ.get(variable, str(default))
    if not text.isdecimal():
        raise InvalidInputError(f"{variable} is {text!r}; use a whole number")
    return int(text)
