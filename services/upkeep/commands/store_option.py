"""Options that select a store: by URL, or the store of `spotted up` on this machine."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

import click

from services.common.settings import with_password
from services.common.store import keys
from services.common.store.store import Store
from services.common.vectors import open_joined, open_vector_blocks
from spotted.console import data_option
from spotted.errors import PreconditionError
from spotted.local import processes, vectors

CommandT = TypeVar("CommandT", bound=Callable[..., object])

# where the file of the store's password waits for the URL
_PASSWORD_FILE = "spotted.store-password-file"  # noqa: S105 - the name of an option


def store_options(command: CommandT) -> CommandT:
    """Add --store, --store-password-file and --data."""
    password_file = click.option(
        "--store-password-file",
        type=click.Path(dir_okay=False, path_type=Path),
        envvar="SPOTTED_STORE_PASSWORD_FILE",
        help="File with the store's password. Default: SPOTTED_STORE_PASSWORD_FILE, or that in the URL.",
        expose_value=False,
        is_eager=True,
        callback=_keep_password_file,
    )
    url = click.option(
        "--store",
        "url",
        metavar="URL",
        envvar="SPOTTED_STORE_URL",
        help="Store URL, e.g. redis://127.0.0.1:7100/0. Default: SPOTTED_STORE_URL, or that of `spotted up`.",
        callback=_complete_url,
    )
    return url(password_file(data_option(command)))


def object_store_option(command: CommandT) -> CommandT:
    """Add --object-store-settings."""
    return click.option(
        "--object-store-settings",
        "settings",
        type=click.Path(file_okay=False, path_type=Path),
        envvar="SPOTTED_OBJECT_STORE_SETTINGS",
        help="Directory with one file per setting of the object store, e.g. aws_secret_access_key. "
        "Default: SPOTTED_OBJECT_STORE_SETTINGS, and variables such as AWS_SECRET_ACCESS_KEY.",
    )(command)


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


def vectors_option(command: CommandT) -> CommandT:
    """Add --vectors."""
    return click.option(
        "--vectors",
        "vector_blocks",
        metavar="FOLDER | URL",
        envvar=vectors.VARIABLE,
        help="The vectors of surveys, if they are outside the store. Default: SPOTTED_VECTOR_BLOCKS_URL, or "
        "those of `spotted up`.",
    )(command)


@contextmanager
def open_with_vectors(
    url: str | None, directory: Path, vector_blocks: str | None, settings: Path | None = None
) -> Iterator[Store]:
    """Open the selected store and its vectors.

    settings: directory of settings of the object store. Raises PreconditionError as `open_joined`.
    """
    if not url and vector_blocks is None and vectors.folder(directory).is_dir():
        vector_blocks = str(vectors.folder(directory))
    blocks = open_vector_blocks(vector_blocks or "", settings)
    store = Store(url or _local(directory), blocks=blocks)
    try:
        open_joined(store, blocks)
        yield store
    finally:
        store.close()


def _keep_password_file(ctx: click.Context, _param: click.Parameter, file: Path | None) -> None:
    ctx.meta[_PASSWORD_FILE] = file


def _complete_url(ctx: click.Context, _param: click.Parameter, url: str | None) -> str | None:
    """The given URL with the password; the store of `spotted up` has none."""
    return url and with_password(url, ctx.meta[_PASSWORD_FILE])


def _local(directory: Path) -> str:
    run = processes.read(directory)
    if run is None:
        raise PreconditionError(
            f"no services were started in {directory}; give a store with --store or SPOTTED_STORE_URL, or "
            "run `spotted up` first"
        )
    return run.store_url
