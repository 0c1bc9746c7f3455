from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import Result

from services.common.store import keys
from services.common.store.store import Store
from services.upkeep.commands import upgrade
from services.upkeep.upgrade import Step
from spotted.local import processes
from tests.services.upkeep.console import invoke


@pytest.fixture
def old(tmp_path: Path) -> Iterator[Store]:
    """A store of its own, which holds what an older release wrote."""
    member = processes.start_store(tmp_path, processes.free_port())
    processes.wait(member, tmp_path / "store.log")
    store = Store(f"redis://{member.address}/0", version=None)
    store.put(keys.VERSION, b"0")
    yield store
    store.close()
    processes.end(member)


def run(store: Store, *arguments: str) -> Result:
    return invoke(upgrade.upgrade, ["upgrade", *arguments, "--store", store.url])


def test_a_store_of_this_version_is_left_as_it_is(second: Store) -> None:
    done = run(second, "--yes")
    assert done.exit_code == 0
    assert f"already has version {keys.STORE_VERSION}; nothing to upgrade" in done.stdout


def test_a_store_that_this_release_cannot_upgrade_is_refused(old: Store) -> None:
    done = run(old, "--yes")
    assert done.exit_code == 1
    assert "has content of version 0, and this release can upgrade to 4 from 2, 3;" in done.stderr
    assert old.get(keys.VERSION) == b"0"


def test_nothing_begins_before_a_backup_is_said_to_be_made(
    old: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps = (Step("0", keys.STORE_VERSION, lambda *_: None),)
    monkeypatch.setattr(upgrade, "STEPS", steps)
    done = run(old)
    assert done.exit_code == 6
    assert "run `spotted backup --all` with the release that wrote it" in done.stderr
    assert old.get(keys.VERSION) == b"0"
    done = run(old, "--yes")
    assert (done.exit_code, done.stdout) == (0, "the store has version 4 now\n")
    assert done.stderr == "store version 0 to 4\n"
    assert old.get(keys.VERSION) == b"4"
