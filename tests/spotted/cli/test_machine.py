from __future__ import annotations

import json
import socket
from pathlib import Path

from click.testing import CliRunner

from spotted import local
from spotted.cli import main


def run(*arguments: str) -> tuple[int, str, str]:
    done = CliRunner().invoke(main, list(arguments))
    return done.exit_code, done.stdout, done.stderr


def test_help_teaches_the_steps_and_the_exit_codes() -> None:
    code, out, _ = run("--help")
    assert code == 0
    for step in ("spotted up", "spotted import DIR", "spotted annotate SURVEY", "Exit codes"):
        assert step in out
    for command in ("up", "down", "status", "import", "embed", "match", "annotate", "evaluate", "export"):
        code, out, _ = run(command, "--help")
        assert code == 0
        assert "--data" in out


def test_a_taken_port_is_told_before_anything_runs(tmp_path: Path) -> None:
    with socket.socket() as holder:
        holder.bind((local.LOOPBACK, 0))
        holder.listen()
        port = holder.getsockname()[1]
        code, _, err = run("up", "--data", str(tmp_path), "--port", str(port))
    assert code == 6
    assert f"port {port}" in err


def test_missing_models_are_told_with_the_remedy_and_up_may_be_repeated(tmp_path: Path) -> None:
    empty = tmp_path / "models"
    empty.mkdir()
    code, _, err = run("up", "--data", str(tmp_path / "data"), "--port", "0", "--models", str(empty))
    assert code == 5
    assert "make models" in err
    assert run("down", "--data", str(tmp_path / "data"))[0] == 0


def test_a_machine_where_nothing_runs_says_so(tmp_path: Path) -> None:
    code, out, err = run("status", "--data", str(tmp_path), "--json")
    assert code == 5
    assert json.loads(out) == {"processes": {}, "surveys": []}
    assert "spotted up" in err
    assert json.loads(run("down", "--data", str(tmp_path), "--json")[1]) == {"stopped": []}
