"""Runs a command of `spotted` in this process, with the exit codes of the command line."""

from __future__ import annotations

from collections.abc import Sequence

import click
from click.testing import CliRunner, Result

from spotted.console import SpottedGroup


def invoke(command: click.Command, arguments: Sequence[str]) -> Result:
    """Run `spotted` with these arguments, of which the first is the command's name."""
    return CliRunner().invoke(SpottedGroup(commands=[command]), arguments)
