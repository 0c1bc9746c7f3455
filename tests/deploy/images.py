"""Contents of each image: its Dockerfile, its lock files, the module that it runs."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
DOCKER = ROOT / "deploy" / "docker"
PINNED = re.compile(r"^([A-Za-z0-9._-]+)(?:\[[\w,-]+\])?==([^\s;\\]+)", re.MULTILINE)


@dataclass(frozen=True)
class Image:
    """An image as its Dockerfile makes it. lock: of its packages; module: what its entry point runs."""

    called: str
    lock: str
    module: str

    @property
    def dockerfile(self) -> Path:
        """Its Dockerfile."""
        return DOCKER / f"{self.called}.Dockerfile"


IMAGES = (
    Image("embedder", "embedder-cpu", "services.embedder"),
    Image("embedder-gpu", "embedder-gpu", "services.embedder"),
    Image("scorer", "scorer", "services.scorer"),
    Image("sampler", "sampler", "services.sampler"),
    Image("review", "review", "services.review"),
    Image("upkeep", "upkeep", "services.upkeep"),
)


def lock_file(lock: str) -> Path:
    """The file of a lock."""
    return ROOT / "requirements" / f"{lock}.lock"


def packages(lock: str) -> dict[str, str]:
    """The version of each package of a lock, by its name as indexes write it."""
    return {normal(found): version for found, version in PINNED.findall(lock_file(lock).read_text())}


def normal(package: str) -> str:
    """A package's name as indexes compare it."""
    return re.sub(r"[-_.]+", "-", package).lower()
