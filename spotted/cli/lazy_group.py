"""A command group that imports a command only when it is invoked or its own help is requested."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import chain
from typing import Any

import click

from spotted.console import SpottedGroup
from spotted.interrupts import ended_by_interrupt


@dataclass(frozen=True, slots=True)
class LazyCommand:
    """Where a command is defined, and its line in the help of its group."""

    module: str
    """Module that defines it, imported on first use."""

    attribute: str
    """Its name in the module."""

    summary: str
    """First sentence of its help, so that listing it needs no import."""


class LazyGroup(SpottedGroup):
    """A group whose help lists its commands by task from a static table.

    >>> status = LazyCommand("spotted.cli.machine", "status", "Show which services run.")
    >>> group = LazyGroup("spotted", sections={"Operation": {"status": status}})
    >>> group.list_commands(click.Context(group))
    ['status']
    """

    def __init__(
        self,
        name: str | None = None,
        *,
        sections: Mapping[str, Mapping[str, LazyCommand]],
        **attributes: Any,  # noqa: ANN401 - click's own attributes of a group
    ) -> None:
        """sections: for each task its commands by name, in the order of the help."""
        super().__init__(name, **attributes)
        self.sections = sections

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """Names of all commands, in the order of the help."""
        return list(chain.from_iterable(self.sections.values()))

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """A command, imported now; None if the name is unknown."""
        for commands in self.sections.values():
            if cmd_name in commands:
                entry = commands[cmd_name]
                with ended_by_interrupt():
                    module = importlib.import_module(entry.module)
                command: click.Command = getattr(module, entry.attribute)
                return command
        return None

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write one section per task, all with the same indentation."""
        width = max(map(len, self.list_commands(ctx)))
        for title, commands in self.sections.items():
            with formatter.section(title):
                formatter.write_dl([(name.ljust(width), entry.summary) for name, entry in commands.items()])
