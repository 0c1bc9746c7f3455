"""Only one store writes to a directory: real stores, other namespaces, and records of other machines."""

from __future__ import annotations

import errno
import fcntl
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from spotted.errors import PreconditionError
from spotted.local import lock, processes

pytestmark = pytest.mark.processes

START = """
import sys
from pathlib import Path
from spotted.errors import PreconditionError
from spotted.local import processes
try:
    member = processes.start_store(Path(sys.argv[1]), processes.free_port())
    processes.wait(member, Path(sys.argv[1]) / "store.log")
    print("started", member.pid)
except PreconditionError as error:
    print("refused", error)
"""
NAMESPACES = ["unshare", "--pid", "--net", "--fork", "--mount-proc"]


def starter(directory: Path, *prefix: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [*prefix, sys.executable, "-c", START, str(directory)], stdout=subprocess.PIPE, text=True
    )


def outcome(started: subprocess.Popen[str]) -> tuple[str, str]:
    verdict, _, rest = started.communicate()[0].strip().partition(" ")
    return verdict, rest


def kill(pid: int) -> None:
    process = psutil.Process(pid)
    process.kill()
    process.wait()


@pytest.fixture
def store(tmp_path: Path) -> Iterator[processes.Member]:
    member = processes.start_store(tmp_path, processes.free_port())
    processes.wait(member, tmp_path / "store.log")
    yield member
    processes.end(member)


def test_a_second_store_is_refused_until_the_first_is_killed(store: processes.Member, tmp_path: Path) -> None:
    port = processes.free_port()
    with pytest.raises(PreconditionError, match=rf"already runs on .*process {store.pid}.*spotted down"):
        processes.start_store(tmp_path, port)
    with pytest.raises(PreconditionError, match="already runs"):
        processes.start_store(tmp_path, port, take_over=True)
    kill(store.pid)
    again = processes.start_store(tmp_path, port)
    processes.wait(again, tmp_path / "store.log")
    owner = lock.read(tmp_path)
    processes.end(again)
    assert owner is not None
    assert owner.pid == again.pid


def test_a_store_in_other_namespaces_is_refused(store: processes.Member, tmp_path: Path) -> None:
    if subprocess.run([*NAMESPACES, "true"], capture_output=True, check=False).returncode:
        pytest.skip("this account may not make namespaces")
    verdict, why = outcome(starter(tmp_path, *NAMESPACES))
    assert verdict == "refused"
    assert f"process {store.pid}" in why


def test_of_stores_that_start_at_once_one_runs(tmp_path: Path) -> None:
    outcomes = [outcome(one) for one in [starter(tmp_path) for _ in range(4)]]
    started = [int(rest) for verdict, rest in outcomes if verdict == "started"]
    for pid in started:
        kill(pid)
    assert sorted(verdict for verdict, _ in outcomes) == ["refused"] * 3 + ["started"]


def holder(**changes: str) -> lock.Owner:
    """An owner on this machine, except for the changes."""
    return replace(lock.Owner.here(), **changes)  # type: ignore[arg-type] # only texts are changed


@pytest.mark.parametrize(
    ("changes", "ended"),
    [
        ({"boot": "before", "machine": "m", "host": "h"}, True),
        ({"boot": "before", "machine": "other", "host": "h"}, False),
        ({"boot": "before", "machine": "m", "host": "other"}, False),
        ({"boot": "before", "machine": "", "host": "h"}, False),
        ({"machine": "other", "namespace": "other"}, True),
    ],
    ids=["reboot", "other machine", "copied machine", "container", "same kernel"],
)
def test_an_owner_has_ended_if_this_machine_would_see_it(changes: dict[str, str], ended: bool) -> None:  # noqa: FBT001
    here = holder(machine="m", host="h", boot="now")
    assert replace(here, **changes).has_ended(here, locked=True) is ended  # type: ignore[arg-type] # texts


def test_an_owner_elsewhere_is_believed_until_it_is_taken_over(tmp_path: Path) -> None:
    lock._write(tmp_path, holder(boot="other", machine="other", host="tent-2"))
    with pytest.raises(PreconditionError, match=r"started on tent-2 .*--take-over"), lock.acquire(tmp_path):
        pass
    with pytest.raises(PreconditionError, match=r"started on tent-2 .*stop it there"):
        processes.down(tmp_path)
    with lock.acquire(tmp_path, take_over=True) as held:
        assert lock.read(tmp_path) == held.owner
    lock.release(tmp_path)
    assert lock.read(tmp_path) is None


def test_a_record_that_cannot_be_read_is_not_ignored(tmp_path: Path) -> None:
    (tmp_path / lock.OWNER_FILE).touch()
    with pytest.raises(PreconditionError, match="does not name"), lock.acquire(tmp_path):
        pass


def test_a_start_that_fails_leaves_no_owner(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), lock.acquire(tmp_path):
        raise ZeroDivisionError
    assert lock.read(tmp_path) is None


def test_without_locks_of_the_file_system_the_record_decides(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def none(*_: object) -> None:
        raise OSError(errno.ENOLCK, "no locks available")

    monkeypatch.setattr(fcntl, "flock", none)
    with lock.acquire(tmp_path):
        pass
    with pytest.raises(PreconditionError, match="--take-over"), lock.acquire(tmp_path):
        pass
    lock._write(tmp_path, replace(lock.Owner.here(), started_at_s=1.0))
    with lock.acquire(tmp_path):
        pass
    lock._write(tmp_path, replace(lock.Owner.here(), started_at_s=1.0, namespace="other"))
    with pytest.raises(PreconditionError, match="--take-over"), lock.acquire(tmp_path):
        pass


def test_a_directory_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(PreconditionError, match=r"cannot write to .*--data"):
        processes.up(tmp_path / "file" / "data")


def test_up_and_down_do_not_work_at_the_same_time(tmp_path: Path) -> None:
    with lock.one_at_a_time(tmp_path), pytest.raises(PreconditionError, match="another `spotted up`"):
        processes.down(tmp_path)
