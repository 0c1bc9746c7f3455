"""How the command line talks: results on stdout, everything else on stderr, exit codes with a meaning."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

import click
from rich import box
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

from spotted import errors
from spotted.client import DEFAULT_DIRECTORY

EXIT_CODES: dict[type[errors.SpottedError], int] = {
    errors.InvalidInputError: 3,
    errors.NotFoundError: 4,
    errors.UnavailableError: 5,
    errors.PreconditionError: 6,
}
OTHER_FAILURE = 1
FILE_WIDTH = 160
EXIT_CODE_HELP = (
    "Exit codes: 0 done, 1 failed, 2 wrong usage, 3 wrong input, 4 not found, 5 a service does not answer, "
    "6 something must be done first."
)

err = Console(stderr=True, highlight=False)
CommandT = TypeVar("CommandT", bound=Callable[..., object])


class SpottedGroup(click.Group):
    """Commands whose expected failures end in one line on stderr and an exit code."""

    def invoke(self, ctx: click.Context) -> object:
        """Run a command."""
        try:
            return super().invoke(ctx)
        except errors.SpottedError as error:
            err.print(Text.assemble(("error: ", "bold red"), str(error)), soft_wrap=True)
            codes = (EXIT_CODES[kind] for kind in type(error).__mro__ if kind in EXIT_CODES)
            ctx.exit(next(codes, OTHER_FAILURE))


def data_option(command: CommandT) -> CommandT:
    """Add --data: where the store, logs and imports of this machine live."""
    return click.option(
        "--data",
        "directory",
        type=click.Path(file_okay=False, path_type=Path),
        default=DEFAULT_DIRECTORY,
        envvar="SPOTTED_DATA_DIR",
        show_default="~/.local/share/spotted",
        help="Directory of the store, the logs and the list of imports.",
    )(command)


def json_option(command: CommandT) -> CommandT:
    """Add --json: one JSON document on stdout instead of text."""
    return click.option("--json", "as_json", is_flag=True, help="Print one JSON document for machines.")(
        command
    )


def session_option(command: CommandT) -> CommandT:
    """Add --session."""
    return click.option(
        "--session", "session_id", default="main", show_default=True, help="Annotation session of the survey."
    )(command)


def show(document: Mapping[str, object], *, as_json: bool, text: Callable[[], None]) -> None:
    """Print a result, for machines or for people."""
    if as_json:
        json.dump(document, sys.stdout, indent=2)
        sys.stdout.write("\n")
    else:
        text()


def table(title: str, columns: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Print a table on stdout; the first column is left, the others right aligned."""
    grid = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for i, column in enumerate(columns):
        grid.add_column(column, justify="right" if i else "left", overflow="fold")
    for row in rows:
        grid.add_row(*(str(cell) for cell in row))
    # a table wider than the terminal is folded; in a file or a pipe it is as wide as it is
    width = None if sys.stdout.isatty() else FILE_WIDTH
    console = Console(highlight=False, width=width)
    console.print(title, style="bold", markup=False)
    console.print(grid)


@contextmanager
def progress(what: str, total: int | None) -> Iterator[Callable[[int], None]]:
    """A bar on stderr while it is a terminal; yields a function that moves it on by a count."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=err, disable=not err.is_terminal) as bar:
        task = bar.add_task(what, total=total)
        yield lambda count: bar.advance(task, count)
