"""`spotted backup | restore | upgrade | token | certificate`: what services.upkeep does on a store."""

from __future__ import annotations

import subprocess
import sys

import click


def passed_on(name: str, summary: str) -> click.Command:
    """A command whose arguments, options and help are those of the command of services.upkeep."""

    @click.command(
        name,
        help=summary,
        add_help_option=False,
        context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False},
    )
    @click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
    @click.pass_context
    def run(ctx: click.Context, *, arguments: tuple[str, ...]) -> None:
        # from the directory of the caller, whose paths these are
        command = [sys.executable, "-m", "services.upkeep", name, *arguments]
        done = subprocess.run(command, check=False)  # noqa: S603 - our own module, no shell
        ctx.exit(done.returncode)

    return run


backup = passed_on("backup", "Write surveys with their sessions into files, while services go on.")
restore = passed_on("restore", "Bring surveys back from files, each of them whole or not at all.")
upgrade = passed_on("upgrade", "Bring what the store holds to the version of this release.")
token = passed_on("token", "Make, list and revoke the tokens that callers show.")
certificate = passed_on(
    "certificate", "Make the certificates of services and callers, with an authority of your own."
)
