"""Which store the commands work on: the one that is named, or that of this machine's local run."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

import click

from services.common.store import keys
from services.common.store.store import Store
from spotted.console import data_option
from spotted.errors import PreconditionError
from spotted.local import processes

CommandT = TypeVar("CommandT", bound=Callable[..., object])


def store_options(command: CommandT) -> CommandT:
    """Add --store and --data."""
    return click.option(
        "--store",
        "url",
        metavar="URL",
        envvar="SPOTTED_STORE_URL",
        help="The store, as SPOTTED_STORE_URL names it; by default that of `spotted up`.",
    )(data_option(command))


@contextmanager
def opened(url: str | None, directory: Path, *, version: str | None = keys.STORE_VERSION) -> Iterator[Store]:
    """The store that is meant; version: as of Store. Raises PreconditionError where there is none."""
    store = Store(url or _local(directory), version=version)
    try:
        if version is not None:
            store.open()
        yield store
    finally:
        store.close()


def _local(directory: Path) -> str:
    run = processes.read(directory)
    if run is None:
        raise PreconditionError(
            f"nothing was started in {directory}; name a store with --store or SPOTTED_STORE_URL, or run "
            "`spotted up` first"
        )
    return run.store_url
