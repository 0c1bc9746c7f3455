from __future__ import annotations

import socket
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from spotted.errors import PreconditionError, UnavailableError
from spotted.local import processes


def test_a_directory_in_which_nothing_was_started_has_no_run(tmp_path: Path) -> None:
    assert processes.read(tmp_path) is None
    assert processes.down(tmp_path) == []


def test_a_taken_port_is_named_with_the_remedy(tmp_path: Path) -> None:
    with socket.socket() as holder:
        holder.bind((processes.LOOPBACK, 0))
        holder.listen()
        port = holder.getsockname()[1]
        with pytest.raises(PreconditionError, match=f"port {port} for the store is taken.*--port"):
            processes.up(tmp_path, port=port)


def test_a_process_that_ends_at_once_is_reported_with_cause_and_remedy(tmp_path: Path) -> None:
    environment = {"SPOTTED_DEVICE": "abacus"}
    member = processes.start_service(
        "scorer", tmp_path, processes.free_port(), "redis://127.0.0.1:1/0", "", environment
    )
    with pytest.raises(
        UnavailableError, match=r"the scorer did not start: SPOTTED_DEVICE is 'abacus'; .*scorer\.log"
    ):
        processes.wait(member, tmp_path / "scorer.log")


def test_a_store_answers_until_it_is_killed(tmp_path: Path) -> None:
    member = processes.start_store(tmp_path, processes.free_port())
    processes.wait(member, tmp_path / "store.log")
    assert processes.answers(member)
    process = member.process()
    assert process is not None
    process.kill()
    process.wait()
    assert not processes.answers(member)
    assert member.process() is None


def test_a_pid_that_belongs_to_another_process_is_not_ours(tmp_path: Path) -> None:
    member = processes.start_store(tmp_path, processes.free_port())
    other = processes.Member("store", member.port, member.pid, member.started_at_s - 100.0)
    assert other.process() is None
    process = member.process()
    assert process is not None
    process.kill()
    process.wait()


def test_what_a_failed_start_began_is_stopped(tmp_path: Path) -> None:
    environment = {"SPOTTED_DEVICE": "abacus"}
    with pytest.raises(UnavailableError, match="did not start"):
        processes.up(tmp_path, port=0, environment=environment)
    assert processes.read(tmp_path) is None
    assert not of_directory(tmp_path)


def test_a_failed_start_keeps_what_ran_before(tmp_path: Path) -> None:
    store = processes.start_store(tmp_path, processes.free_port())
    processes._write(processes.LocalRun(tmp_path, (store,)))
    with pytest.raises(UnavailableError, match="did not start"):
        processes.up(tmp_path, port=0, environment={"SPOTTED_DEVICE": "abacus"})
    assert processes.read(tmp_path) == processes.LocalRun(tmp_path, (store,))
    assert [process.pid for process in of_directory(tmp_path)] == [store.pid]
    assert processes.down(tmp_path) == ["store"]


def of_directory(directory: Path) -> list[psutil.Process]:
    """Processes that write to a log of a directory."""
    found = []
    for process in psutil.process_iter():
        with suppress(psutil.Error, OSError):
            if directory in Path(f"/proc/{process.pid}/fd/1").readlink().parents:
                found.append(process)
    return found
