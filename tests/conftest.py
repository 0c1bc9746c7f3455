"""Fixtures of all tests: a real store process, the exported backbone, real photographs."""

from __future__ import annotations

import fcntl
import gc
import os
import uuid
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings

from services.common.store import keys
from services.common.store.store import Store
from spotted.local import processes
from tests import slots
from tests.services import forked
from tests.services.listing import strike
from tests.stores import running_store

if TYPE_CHECKING:
    from services.embedder.export.__main__ import Exported
    from services.embedder.inference.backbones import Backbone

ROOT = Path(__file__).resolve().parent.parent

# an example that takes longer on a busy machine is not a failure
settings.register_profile("spotted", deadline=None)
settings.load_profile("spotted")

# tests create many objects and few cycles: Python's own thresholds search them ten times as often
gc.set_threshold(10_000, 10, 20)
# all that is imported and collected stays: it is never searched
gc.disable()

# numpy's warnings are errors in the processes that tests start too, as pytest makes them here
os.environ.setdefault("PYTHONWARNINGS", "error::RuntimeWarning")

# fixtures that start a process or export a backbone
PROCESSES = {"store_url", "exported"}


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the tests that need processes, and run files with slow tests first, then those with most cases.

    Workers take whole files in this order: a long file at the end would leave the other workers idle.
    """
    for item in items:
        if PROCESSES.intersection(getattr(item, "fixturenames", ())):
            item.add_marker("processes")
    slow = {item.path for item in items if item.get_closest_marker("slow")}
    cases = Counter(item.path for item in items)
    items.sort(key=lambda item: (item.path not in slow, -cases[item.path]))


def pytest_collection_finish() -> None:
    """From here on cycles are searched, among what the tests make."""
    gc.enable()
    gc.freeze()


@pytest.fixture(scope="session", autouse=True)
def one_slot() -> Iterator[None]:
    """No script of any test uses keys of several slots of a cluster."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Store, "script", slots.checked(Store.script))
        yield


@pytest.fixture(scope="session")
def store_url() -> Iterator[str]:
    """A real store with fsync on every write; one per worker: surveys keep tests apart."""
    with running_store() as url:
        yield url


@pytest.fixture
def store(store_url: str) -> Iterator[Store]:
    """An open store; the surveys that a test leaves in it are gone for those that list all of them."""
    opened = Store(store_url)
    opened.open()
    before = opened.fields(keys.surveys(""))
    yield opened
    for survey_id in set(opened.fields(keys.surveys(""))) - set(before):
        if left := opened.names(keys.of_survey(survey_id)):
            opened.delete(*left)
        strike(opened, survey_id)
    catalogue = opened.names(keys.of_catalogue(""))
    if catalogue:
        opened.delete(*catalogue)
    opened.close()


@pytest.fixture
def survey_id() -> str:
    """A survey id that no other test uses."""
    return f"survey-{uuid.uuid4().hex[:12]}"


@pytest.fixture(scope="module")
def forked_services() -> Iterator[None]:
    """Whatever starts services with `spotted.local.processes` gets forked ones, which takes a moment."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(processes, "start_service", forked.start_service)
        yield


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
