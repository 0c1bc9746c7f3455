from __future__ import annotations

import sys
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from spotted.cli import SECTIONS, main
from spotted.cli.lazy_group import LazyCommand, LazyGroup

COMMANDS = {name: entry for commands in SECTIONS.values() for name, entry in commands.items()}
MODULE = "command_for_tests"
SOURCE = '''
import click

@click.command("ping")
@click.option("--loud", is_flag=True)
def ping(loud: bool) -> None:
    """Answer. At once."""
    click.echo("PONG" if loud else "pong")
'''


@pytest.fixture
def group(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> LazyGroup:
    """A group of one command, whose module is not imported yet."""
    (tmp_path / f"{MODULE}.py").write_text(SOURCE)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, MODULE, raising=False)
    return LazyGroup("group", sections={"Task": {"ping": LazyCommand(MODULE, "ping", "Answer.")}})


def test_the_help_lists_commands_by_task_without_importing_them(group: LazyGroup) -> None:
    shown = CliRunner().invoke(group, ["--help"])
    assert "Task:\n  ping  Answer." in shown.output
    assert MODULE not in sys.modules


def test_a_command_is_imported_when_it_is_invoked_or_asked_for_help(group: LazyGroup) -> None:
    assert CliRunner().invoke(group, ["ping", "--loud"]).output == "PONG\n"
    assert MODULE in sys.modules
    assert "--loud" in CliRunner().invoke(group, ["ping", "--help"]).output


def test_an_unknown_command_is_wrong_usage(group: LazyGroup) -> None:
    done = CliRunner().invoke(group, ["pong"])
    assert done.exit_code == 2
    assert "No such command 'pong'" in done.output
    assert MODULE not in sys.modules


@pytest.mark.parametrize("name", COMMANDS)
def test_the_table_holds_the_short_help_of_every_command(name: str) -> None:
    command = main.get_command(click.Context(main), name)
    assert isinstance(command, click.Command)
    assert command.name == name
    assert command.get_short_help_str(limit=1000) == COMMANDS[name].summary
