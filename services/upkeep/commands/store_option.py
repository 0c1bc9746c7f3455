"""Options that select a store: by URL, or the store of `spotted up` on this machine."""

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
        help="Store URL, e.g. redis://127.0.0.1:7100/0. Default: SPOTTED_STORE_URL, or that of `spotted up`.",
    )(data_option(command))


@contextmanager
def open_store(
    url: str | None, directory: Path, *, version: str | None = keys.STORE_VERSION
) -> Iterator[Store]:
    """Open the selected store. version: see Store. Raises PreconditionError if none was started."""
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
            f"no services were started in {directory}; give a store with --store or SPOTTED_STORE_URL, or "
            "run `spotted up` first"
        )
    return run.store_url
