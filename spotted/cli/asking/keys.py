"""Single keys without Enter at a terminal; lines if the input is a file or another program."""

from __future__ import annotations

import sys
from contextlib import suppress

import click

from spotted.console import err


def at_terminal() -> bool:
    """Whether a person types."""
    return sys.stdin.isatty()


def read_line(prompt: str) -> str:
    """A line, without the spaces around it."""
    line: str = click.prompt(prompt, default="", show_default=False, err=True)
    return line.strip()


def read_key(prompt: str) -> str:
    """One key in lower case; at a terminal without Enter, and without what was typed before the prompt."""
    if not at_terminal():
        return read_line(prompt)
    _forget_typed_ahead()
    click.echo(f"{prompt}: ", err=True, nl=False)
    # Ctrl-C and Ctrl-D raise as they do at a prompt
    key = click.getchar().lower()
    err.print(key if key.isprintable() else "", markup=False)
    return key


def _forget_typed_ahead() -> None:
    """Drop keys that were pressed while nothing was asked, which would answer a question nobody saw."""
    # not on Windows
    with suppress(ImportError, OSError):
        import termios  # noqa: PLC0415 - not on every system

        termios.tcflush(sys.stdin, termios.TCIFLUSH)
