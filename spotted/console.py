"""Output of the command line: results on stdout, everything else on stderr, meaningful exit codes."""

from __future__ import annotations

import enum
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

# of the context of a command that takes the next steps itself
GOES_ON = "spotted.console.goes_on"

EXIT_CODES: dict[type[errors.SpottedError], int] = {
    errors.InvalidInputError: 3,
    errors.NotFoundError: 4,
    errors.UnavailableError: 5,
    errors.PreconditionError: 6,
}
OTHER_FAILURE = 1
FILE_WIDTH = 160
# candidates per detection that a person reads; the library and services rank spotted.ranking.TOP_K
DISPLAYED_CANDIDATES = 5
EXIT_CODE_HELP = (
    "Exit codes: 0 success, 1 failure, 2 wrong usage, 3 invalid input, 4 not found, 5 a service does not "
    "answer, 6 another step must be done first."
)

err = Console(stderr=True, highlight=False)
CommandT = TypeVar("CommandT", bound=Callable[..., object])
EnumT = TypeVar("EnumT", bound=enum.Enum)


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
        except OSError as error:
            if not isinstance(error.filename, str):
                raise
            err.print(Text.assemble(("error: ", "bold red"), _file_problem(error)), soft_wrap=True)
            ctx.exit(OTHER_FAILURE)


def _file_problem(error: OSError) -> str:
    """Why a file cannot be read or written, with the remedy."""
    path = Path(error.filename)
    if isinstance(error, FileNotFoundError) and not path.parent.is_dir():
        return f"{path}: the folder {path.parent} does not exist; create it first"
    return f"{path}: {error.strerror}"


class EnumChoice(click.Choice[EnumT]):
    """A choice among members of an enum, written in lower case with hyphens.

    >>> from spotted.scoring import Fusion
    >>> EnumChoice([Fusion.PRODUCT, Fusion.VISUAL]).convert("visual", None, None)
    <Fusion.VISUAL: 2>
    """

    def normalize_choice(self, choice: object, ctx: click.Context | None) -> str:  # noqa: ARG002 - click's
        """The word of a member; words of the command line stay as they are."""
        return option_word(choice) if isinstance(choice, enum.Enum) else str(choice)


def option_word(member: enum.Enum) -> str:
    """A member of an enum as options and JSON documents write it.

    >>> from spotted.scoring import Fusion
    >>> option_word(Fusion.PRODUCT)
    'product'
    """
    return member.name.lower().replace("_", "-")


def data_option(command: CommandT) -> CommandT:
    """Add --data: directory of this machine's store, logs and imports."""
    return click.option(
        "--data",
        "directory",
        type=click.Path(file_okay=False, path_type=Path),
        default=_default_directory,
        envvar="SPOTTED_DATA_DIR",
        show_default="~/.local/share/spotted",
        help="Directory of the local store, the logs and the records of imports.",
    )(command)


def json_option(command: CommandT) -> CommandT:
    """Add --json: one JSON document on stdout instead of text."""
    return click.option("--json", "as_json", is_flag=True, help="Print the result as one JSON document.")(
        command
    )


def top_option(command: CommandT) -> CommandT:
    """Add --top."""
    return click.option(
        "--top",
        default=DISPLAYED_CANDIDATES,
        show_default=True,
        type=click.IntRange(min=1),
        help="Candidates per detection.",
    )(command)


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


def next_step(command: str) -> None:
    """Print the command to run next, unless one is running that goes on by itself."""
    context = click.get_current_context(silent=True)
    if context is None or not context.meta.get(GOES_ON):
        click.echo(f"next: {command}")


def goes_on(context: click.Context) -> None:
    """Note that the command takes the next steps itself."""
    context.meta[GOES_ON] = True


def table(title: str, columns: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Print a table on stdout; the first column is left-aligned, the others are right-aligned."""
    grid = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for i, column in enumerate(columns):
        grid.add_column(column, justify="right" if i else "left", overflow="fold")
    for row in rows:
        grid.add_row(*(str(cell) for cell in row))
    # a terminal folds a table that is too wide; a file or a pipe gets the full width
    width = None if sys.stdout.isatty() else FILE_WIDTH
    console = Console(highlight=False, width=width)
    console.print(title, style="bold", markup=False)
    console.print(grid)


def with_unit(count: int, noun: str) -> str:
    """A count and what it counts, the noun in the plural unless the count is 1.

    >>> with_unit(1, "camera"), with_unit(12, "camera")
    ('1 camera', '12 cameras')
    """
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


@contextmanager
def progress(unit: str, total: int | None) -> Iterator[Callable[[int], None]]:
    """A progress bar on stderr if it is a terminal; yields a function that advances it by a count."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=err, disable=not err.is_terminal) as bar:
        task = bar.add_task(unit, total=total)
        yield lambda count: bar.advance(task, count)


def _default_directory() -> Path:
    # the client is slow to import, and neither `spotted --help` nor `spotted --version` needs it
    from spotted.client import DEFAULT_DIRECTORY  # noqa: PLC0415

    return DEFAULT_DIRECTORY
