"""The one reader of the environment: every service's settings, with defaults for one machine."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from spotted.errors import InvalidInputError

DEFAULT_PORTS = {"embedder": 7101, "scorer": 7102, "sampler": 7103}
DEVICES = ("cpu", "cuda", "tensorrt")


@dataclass(frozen=True)
class Settings:
    """What one service process is told from outside.

    listen: address to serve on. Without TLS only a loopback address keeps a survey private.
    store_url: Redis protocol URL of the store.
    scorer_address: where the sampler finds the scorer.
    models: directory of exported backbones; model_ids: those to load, the default first.
    segmenter: directory of a segmenter; None: masks come with the crops or not at all.
    device: cpu, cuda or tensorrt; workers: threads that decode and, on a CPU, run the model; 0: as many
        as this process may use cores.
    planners: processes in which the sampler plans rounds; a survey is always planned by the same one.
    memory_mib: memory that surveys may take in the scorer, MiB; those not used for longest leave it.
    metrics_port: Prometheus metrics over HTTP on the same host; None: off.
    reflection: answer gRPC reflection.
    drain_s: how long running calls may take to finish after SIGTERM.
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
    metrics_port: int | None = None
    reflection: bool = False
    drain_s: float = 20.0


def from_environment(service: str, environ: Mapping[str, str]) -> Settings:
    """The settings of a service from SPOTTED_* variables.

    Raises InvalidInputError that names the variable where a value cannot be used.
    """
    device = environ.get("SPOTTED_DEVICE", "cpu")
    if device not in DEVICES:
        raise InvalidInputError(f"SPOTTED_DEVICE is {device!r}; use one of {', '.join(DEVICES)}")
    metrics, segmenter = environ.get("SPOTTED_METRICS_PORT", ""), environ.get("SPOTTED_SEGMENTER", "")
    return Settings(
        listen=environ.get("SPOTTED_LISTEN", f"127.0.0.1:{DEFAULT_PORTS[service]}"),
        store_url=environ.get("SPOTTED_STORE_URL", Settings.store_url),
        scorer_address=environ.get("SPOTTED_SCORER_ADDRESS", Settings.scorer_address),
        models=Path(environ.get("SPOTTED_MODELS", "models")),
        model_ids=_model_ids(environ),
        segmenter=Path(segmenter) if segmenter else None,
        device=device,
        workers=_whole(environ, "SPOTTED_WORKERS", Settings.workers),
        planners=max(1, _whole(environ, "SPOTTED_PLANNERS", Settings.planners)),
        memory_mib=_whole(environ, "SPOTTED_MEMORY_MIB", Settings.memory_mib),
        metrics_port=_whole(environ, "SPOTTED_METRICS_PORT", 0) if metrics else None,
        reflection=environ.get("SPOTTED_REFLECTION", "") in {"1", "true", "yes"},
        drain_s=float(_whole(environ, "SPOTTED_DRAIN_S", int(Settings.drain_s))),
    )


def _model_ids(environ: Mapping[str, str]) -> tuple[str, ...]:
    text = environ.get("SPOTTED_MODEL", ",".join(Settings.model_ids))
    model_ids = tuple(part.strip() for part in text.split(","))
    if not all(model_ids):
        raise InvalidInputError(f"SPOTTED_MODEL is {text!r}; use model ids with commas between them")
    return model_ids


def _whole(environ: Mapping[str, str], variable: str, default: int) -> int:
    text = environ.get(variable, str(default))
    if not text.isdigit():
        raise InvalidInputError(f"{variable} is {text!r}; use a whole number")
    return int(text)
