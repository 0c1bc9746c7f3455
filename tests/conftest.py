"""Fixtures of all tests: a real store process, the exported backbone, real photographs."""

from __future__ import annotations

import fcntl
import os
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings

from services.common.store.store import Store
from spotted.local import processes

if TYPE_CHECKING:
    from services.embedder.export.__main__ import Exported
    from services.embedder.inference.backbones import Backbone

ROOT = Path(__file__).resolve().parent.parent

# an example that takes longer on a busy machine is not a failure
settings.register_profile("spotted", deadline=None)
settings.load_profile("spotted")


@pytest.fixture(scope="session")
def store_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A real valkey-server with fsync on every write; one for the whole run, surveys keep tests apart."""
    directory = tmp_path_factory.mktemp("store")
    member = processes.start_store(directory, processes.free_port())
    processes.wait(member, directory / "store.log")
    yield f"redis://{member.address}/0"
    process = member.process()
    assert process is not None, "the store died during the tests"
    process.terminate()
    process.wait()


@pytest.fixture
def store(store_url: str) -> Iterator[Store]:
    """An open store."""
    opened = Store(store_url)
    opened.open()
    yield opened
    opened.close()


@pytest.fixture
def survey_id() -> str:
    """A survey id that no other test uses."""
    return f"survey-{uuid.uuid4().hex[:12]}"


@pytest.fixture(scope="session")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Exported:
    """The real default backbone, exported once per run: the workers share it."""
    # torch takes seconds to import, which only the tests of the backbone should pay for
    from services.embedder.export.__main__ import export  # noqa: PLC0415

    base = tmp_path_factory.getbasetemp()
    shared = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
    with (shared / "models.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        return export("efficientnet-lite0", shared / "models")


@pytest.fixture(scope="session")
def models(exported: Exported) -> Path:
    """The directory of models that holds it."""
    return exported.directory.parent.parent


@pytest.fixture(scope="session")
def backbone(models: Path) -> Backbone:
    """The real backbone, loaded on the CPU."""
    from services.embedder.inference.backbones import load_backbone  # noqa: PLC0415 - imports onnxruntime

    return load_backbone(models, "efficientnet-lite0")


@pytest.fixture(scope="session")
def real_files() -> Path:
    """The directory of real photographs and captures; skips if it is absent."""
    directory = Path(os.environ.get("SPOTTED_DATA", ROOT.parent / "shared" / "data"))
    if not (directory / "nyala" / "index.csv").is_file():
        pytest.skip(f"no real photographs at {directory}; set SPOTTED_DATA to their directory")
    return directory
