"""`spotted upgrade`: the store's content to the version of this release."""

from __future__ import annotations

from pathlib import Path

import click

from services.common.store import keys
from services.upkeep.commands.store_option import opened, store_options
from services.upkeep.upgrade import STEPS, pending, upgrade_store, version
from spotted.console import err
from spotted.errors import PreconditionError


@click.command("upgrade")
@click.option("--yes", is_flag=True, help="A backup was made; begin.")
@click.option(
    "--services-stopped",
    is_flag=True,
    help="No service runs, of any release; for a store that does not let connections be closed.",
)
@store_options
def upgrade(*, yes: bool, services_stopped: bool, url: str | None, directory: Path) -> None:
    """Bring what the store holds to the version of this release.

    Services of the older release are shut out when it begins; start those of this one when it has ended. An
    upgrade that died goes on where it is run again.
    """
    with opened(url, directory, version=None) as store:
        todo = pending(version(store), STEPS)
        if not todo:
            click.echo(
                f"the store at {store.shown} is of version {keys.STORE_VERSION}; nothing is to be done"
            )
            return
        if not yes:
            raise PreconditionError(
                f"the store at {store.shown} goes from version {todo[0].before} to {todo[-1].after}, and not "
                "back; run `spotted backup --all` of the release that wrote it, then `spotted upgrade --yes`"
            )
        with err.status("upgrading"):
            done = upgrade_store(
                store,
                STEPS,
                services_stopped=services_stopped,
                say=lambda step: click.echo(f"store version {step.before} to {step.after}", err=True),
            )
    click.echo(f"the store is of version {done[-1].after if done else keys.STORE_VERSION}")
