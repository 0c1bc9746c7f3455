"""Which ports a run gets."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from spotted.errors import PreconditionError
from spotted.local import ports

ROLES = ("store", "scorer")


def test_without_a_wish_the_last_ports_are_used_again(tmp_path: Path) -> None:
    assert ports.choose(tmp_path, ROLES, used={}, running=False, wanted=None) == {
        "store": ports.DEFAULT_PORT,
        "scorer": ports.DEFAULT_PORT + 1,
    }
    ports.remember(tmp_path, {"store": 8000, "scorer": 8005})
    assert ports.choose(tmp_path, ROLES, used={}, running=False, wanted=None) == ports.remembered(tmp_path)
    assert ports.choose(tmp_path, ROLES, used={"store": 9}, running=True, wanted=None)["store"] == 9


def test_a_wish_counts_unless_processes_run(tmp_path: Path) -> None:
    used = {"store": 8000, "scorer": 8005}
    wished = {"store": 9000, "scorer": 9001}
    assert ports.choose(tmp_path, ROLES, used=used, running=False, wanted=9000) == wished
    assert ports.choose(tmp_path, ROLES, used=used, running=True, wanted=9000) == used


def test_any_free_ports_are_chosen_at_the_start(tmp_path: Path) -> None:
    ports.remember(tmp_path, {"store": 8000, "scorer": 8005})
    assert set(ports.choose(tmp_path, ROLES, used={}, running=False, wanted=0).values()) == {0}


def test_a_taken_port_is_named() -> None:
    with socket.socket() as holder:
        holder.bind((ports.LOOPBACK, 0))
        holder.listen()
        with pytest.raises(PreconditionError, match=r"for the scorer is taken.*--port"):
            ports.check_free("scorer", holder.getsockname()[1])


def test_a_damaged_list_of_ports_counts_as_none(tmp_path: Path) -> None:
    (tmp_path / ports.PORTS_FILE).write_text("{")
    assert ports.remembered(tmp_path) == {}
