from __future__ import annotations

import enum
import json
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from spotted import errors
from spotted.client import DEFAULT_DIRECTORY
from spotted.console import (
    EXIT_CODES,
    EnumChoice,
    SpottedGroup,
    data_option,
    goes_on,
    next_step,
    option_word,
    progress,
    show,
    table,
    with_unit,
)


def every_kind(kind: type[errors.SpottedError] = errors.SpottedError) -> Iterator[type[errors.SpottedError]]:
    for nearer in kind.__subclasses__():
        # a worker may have imported those of others
        if nearer.__module__ == errors.__name__:
            yield nearer
            yield from every_kind(nearer)


def failing(error: Exception) -> click.Group:
    @click.group(cls=SpottedGroup)
    def group() -> None:
        """A group."""

    @group.command()
    def fail() -> None:
        """Fail."""
        raise error

    return group


@pytest.mark.parametrize("kind", list(every_kind()))
def test_an_expected_failure_is_one_line_and_a_code(kind: type[errors.SpottedError]) -> None:
    made = (
        kind("full", retry_after_s=1.0)
        if issubclass(kind, errors.OverloadedError)
        else kind("a [word] in brackets")
    )
    done = CliRunner().invoke(failing(made), ["fail"])
    expected = next((EXIT_CODES[k] for k in kind.__mro__ if k in EXIT_CODES), 1)
    assert done.exit_code == expected != 0
    assert done.stdout == ""
    assert done.stderr.startswith("error: ")
    assert str(made) in done.stderr


def test_a_file_that_cannot_be_written_is_named_with_the_remedy(tmp_path: Path) -> None:
    lost = tmp_path / "none" / "matches.csv"
    for path, problem in (
        (lost, f"{lost}: the folder {lost.parent} does not exist; create it first"),
        (tmp_path, f"{tmp_path}: Is a directory"),
    ):
        with pytest.raises(OSError) as failed:  # noqa: PT011 - either kind
            path.write_text("")
        done = CliRunner().invoke(failing(failed.value), ["fail"])
        assert done.exit_code == 1
        assert done.stderr == f"error: {problem}\n"
    # a failure without a file is a fault
    assert isinstance(CliRunner().invoke(failing(OSError("bug")), ["fail"]).exception, OSError)


def test_an_unexpected_failure_is_not_hidden() -> None:
    done = CliRunner().invoke(failing(RuntimeError("bug")), ["fail"])
    assert isinstance(done.exception, RuntimeError)


def test_a_result_is_json_or_text_and_never_both(capsys: pytest.CaptureFixture[str]) -> None:
    show({"a": 1}, as_json=True, text=lambda: click.echo("text"))
    assert json.loads(capsys.readouterr().out) == {"a": 1}
    show({"a": 1}, as_json=False, text=lambda: click.echo("text"))
    assert capsys.readouterr().out == "text\n"


def test_a_table_holds_every_cell(capsys: pytest.CaptureFixture[str]) -> None:
    table("title [x]", ("name", "n"), [("a" * 100, 1), ("b", 2)])
    out = capsys.readouterr().out
    assert "title [x]" in out
    assert "a" * 100 in out


def test_progress_is_silent_without_a_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    with progress("work", 3) as advance:
        advance(3)
    assert capsys.readouterr().out == ""


class Speed(enum.Enum):
    SLOW = 1
    VERY_FAST = 2


def test_an_enum_choice_reads_and_shows_words() -> None:
    @click.command()
    @click.option("--speed", type=EnumChoice(Speed), default=option_word(Speed.SLOW), show_default=True)
    def command(speed: Speed) -> None:
        click.echo(repr(speed))

    run = CliRunner().invoke
    assert "--speed [slow|very-fast]" in run(command, ["--help"]).output
    assert run(command).output == "<Speed.SLOW: 1>\n"
    assert run(command, ["--speed", "very-fast"]).output == "<Speed.VERY_FAST: 2>\n"
    wrong = run(command, ["--speed", "VERY_FAST"])
    assert wrong.exit_code == 2
    assert "'slow', 'very-fast'" in wrong.output


def test_a_count_has_its_unit_in_the_right_number() -> None:
    assert [with_unit(n, "event") for n in (0, 1, 2)] == ["0 events", "1 event", "2 events"]


def test_the_data_directory_is_that_of_the_client_unless_given() -> None:
    @click.command()
    @data_option
    def command(directory: Path) -> None:
        click.echo(directory)

    run = CliRunner().invoke
    assert run(command).output == f"{DEFAULT_DIRECTORY}\n"
    assert run(command, ["--data", "here"]).output == "here\n"
    assert run(command, env={"SPOTTED_DATA_DIR": "there"}).output == "there\n"


def test_the_next_step_is_named_unless_the_command_takes_it_itself(
    capsys: pytest.CaptureFixture[str],
) -> None:
    next_step("spotted up")
    with click.Context(click.Command("review")) as context:
        next_step("spotted import DIR")
        goes_on(context)
        # a command that this one runs
        with click.Context(click.Command("embed"), parent=context):
            next_step("spotted match kruger")
    assert capsys.readouterr().out == "next: spotted up\nnext: spotted import DIR\n"
