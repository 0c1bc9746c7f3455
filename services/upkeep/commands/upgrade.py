"""`spotted upgrade`: upgrade the store's content to the version of this release."""

from __future__ import annotations

from pathlib import Path

import click

from services.common.store import keys
from services.upkeep.commands.store_option import open_store, store_options
from services.upkeep.upgrade import STEPS, pending, upgrade_store, version
from spotted.console import err
from spotted.errors import PreconditionError


@click.command("upgrade")
@click.option("--yes", is_flag=True, help="Begin; confirms that a backup exists.")
@click.option(
    "--services-stopped",
    is_flag=True,
    help="Confirm that all services are stopped; only for a store that does not allow closing connections.",
)
@store_options
def upgrade(*, yes: bool, services_stopped: bool, url: str | None, directory: Path) -> None:
    """Upgrade the store's content to this release.

    Services of the older release are disconnected when the upgrade begins; start the services of this release
    after it has finished. Run an interrupted upgrade again to continue it.
    """
    with open_store(url, directory, version=None) as store:
        todo = pending(version(store), STEPS)
        if not todo:
            click.echo(
                f"the store at {store.shown} already has version {keys.STORE_VERSION}; nothing to upgrade"
            )
            return
        if not yes:
            raise PreconditionError(
                f"the store at {store.shown} will be upgraded from version {todo[0].before} to "
                f"{todo[-1].after}, which cannot be undone; run `spotted backup --all` with the release that "
                "wrote it, then `spotted upgrade --yes`"
            )
        with err.status("upgrading"):
            done = upgrade_store(
                store,
                STEPS,
                services_stopped=services_stopped,
                on_step=lambda step: click.echo(f"store version {step.before} to {step.after}", err=True),
            )
    click.echo(f"the store has version {done[-1].after if done else keys.STORE_VERSION} now")
