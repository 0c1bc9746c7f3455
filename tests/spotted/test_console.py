from __future__ import annotations

import json
from collections.abc import Iterator

import click
import pytest
from click.testing import CliRunner

from spotted import errors
from spotted.console import EXIT_CODES, SpottedGroup, progress, show, table


def every_kind(kind: type[errors.SpottedError] = errors.SpottedError) -> Iterator[type[errors.SpottedError]]:
    for nearer in kind.__subclasses__():
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


def test_what_nobody_foresaw_is_not_hidden() -> None:
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


def test_progress_is_silent_where_nobody_watches(capsys: pytest.CaptureFixture[str]) -> None:
    with progress("work", 3) as advance:
        advance(3)
    assert capsys.readouterr().out == ""
