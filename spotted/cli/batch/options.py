"""Options of the batch commands, and their progress on the terminal."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stdout
from pathlib import Path
from typing import TypeVar

import click

from spotted.console import EnumChoice, option_word, progress
from spotted.object_stores import is_url
from spotted.scoring.fusion import Fusion

CommandT = TypeVar("CommandT", bound=Callable[..., object])


class PlaceType(click.ParamType[str]):
    """A folder, whose absolute path is used, or a URL such as s3://BUCKET/PREFIX."""

    name = "place"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """The absolute path, or the URL."""
        if is_url(value):
            return value.rstrip("/")
        path = Path(value)
        if path.is_file():
            self.fail(f"{value} is a file; give a folder or a URL such as s3://BUCKET/PREFIX", param, ctx)
        return str(path.resolve())


PLACE = PlaceType()


def engine_options(command: CommandT) -> CommandT:
    """Add --engine, --workers and --address."""
    options = (
        click.option(
            "--engine",
            "kind",
            type=click.Choice(["local", "ray"]),
            default="local",
            show_default=True,
            help="Where to run: locally or on a Ray cluster.",
        ),
        click.option(
            "--workers",
            default=os.cpu_count() or 1,
            show_default="one per core",
            type=click.IntRange(min=1),
            help="Processes on this machine; ignored if --address joins a cluster.",
        ),
        click.option("--address", default="", help="Ray cluster to join, e.g. auto or 10.0.0.5:6379."),
    )
    for option in reversed(options):
        command = option(command)
    return command


def fusion_option(command: CommandT) -> CommandT:
    """Add --fusion."""
    return click.option(
        "--fusion",
        type=EnumChoice(Fusion),
        default=option_word(Fusion.PRODUCT),
        show_default=True,
        help="Score that ranks the candidates.",
    )(command)


def block_option(command: CommandT) -> CommandT:
    """Add --block."""
    return click.option(
        "--block",
        "block_rows",
        default=1024,
        show_default=True,
        type=click.IntRange(min=1),
        help="Query detections per block.",
    )(command)


@contextmanager
def shown(title: str, count: int) -> Iterator[Callable[[int], None]]:
    """A bar of a stage."""
    # Ray reports failed attempts on stdout, which is reserved for the result
    with progress(title, count) as advance, redirect_stdout(sys.stderr):
        yield advance
