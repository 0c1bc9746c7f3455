"""The backbone of the smoke runs."""

from __future__ import annotations

import fcntl
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from services.embedder.export.__main__ import Exported

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def benchmark_models(exported: Exported) -> Path:
    """The directory of models of the benchmarks, with the backbone of this run: none exports it again."""
    models = ROOT / "out" / "benchmarks" / "models"
    directory = models / exported.manifest.model_id / "1"
    models.mkdir(parents=True, exist_ok=True)
    with (models / "models.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (directory / "manifest.json").exists():
            shutil.copytree(exported.directory, directory, dirs_exist_ok=True)
    return models
