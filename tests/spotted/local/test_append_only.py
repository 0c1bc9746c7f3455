"""Bytes that are missing at the end of a store's file are noticed, with a real store."""

from __future__ import annotations

from pathlib import Path

import pytest
import redis

from spotted.errors import PreconditionError
from spotted.local import append_only, diagnosis, processes


def stored(directory: Path) -> processes.Member:
    """A store with ten written keys."""
    member = processes.start_store(directory, processes.free_port())
    processes.wait(member, directory / "store.log")
    with redis.Redis(port=member.port) as client:
        for i in range(10):
            client.set(f"key-{i}", "value")
    return member


def cut(directory: Path) -> None:
    """Remove the last bytes of the file that is written to."""
    (file,) = (directory / append_only.FILES).glob("*.incr.aof")
    file.write_bytes(file.read_bytes()[:-7])


def test_a_file_shorter_than_it_was_left_is_refused_unless_the_loss_is_accepted(tmp_path: Path) -> None:
    member = stored(tmp_path)
    processes._write(processes.LocalRun(tmp_path, (member,)))
    assert processes.down(tmp_path) == ["store"]
    append_only.check_end(tmp_path)
    cut(tmp_path)
    with pytest.raises(PreconditionError, match=r"incr\.aof has \d+ of the \d+ bytes .*--accept-loss"):
        processes.start_store(tmp_path, member.port)
    member = processes.start_store(tmp_path, member.port, accept_loss=True)
    processes.wait(member, tmp_path / "store.log")
    processes.end(member)
    append_only.check_end(tmp_path)


def test_an_incomplete_write_dropped_after_a_kill_is_reported_until_the_next_start(tmp_path: Path) -> None:
    member = stored(tmp_path)
    assert append_only.dropped(tmp_path / "store.log") is None
    killed = member.process()
    assert killed is not None
    killed.kill()
    killed.wait()
    cut(tmp_path)
    for expected in (True, False):
        member = processes.start_store(tmp_path, member.port)
        processes.wait(member, tmp_path / "store.log")
        found = diagnosis.of_store_process(member, processes.LocalRun(tmp_path, (member,)))
        processes.end(member)
        assert ["dropped an incomplete write" in one.fault for one in found] == [True] * expected


def test_a_missing_file_is_refused_and_a_longer_one_is_not(tmp_path: Path) -> None:
    (tmp_path / append_only.FILES).mkdir()
    file = tmp_path / append_only.FILES / "a.aof"
    append_only.check_end(tmp_path)
    file.write_text("abc")
    append_only.record_end(tmp_path)
    file.write_text("abcd")
    append_only.check_end(tmp_path)
    file.unlink()
    with pytest.raises(PreconditionError, match="has 0 of the 3 bytes"):
        append_only.check_end(tmp_path)
    append_only.forget_end(tmp_path)
    append_only.check_end(tmp_path)
