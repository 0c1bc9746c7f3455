"""Object stores by their URLs: Amazon S3 and what speaks its protocol, Google Cloud Storage, Azure."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from spotted.errors import InvalidInputError, NotFoundError, PreconditionError, SpottedError, UnavailableError

if TYPE_CHECKING:
    from obstore.store import ObjectStore

SCHEME = "://"
# only an endpoint that begins with http:// uses it
CLIENT = {"allow_http": True}
RETRIES = 3
RETRY_TIMEOUT = timedelta(seconds=60)


class StoredObject(NamedTuple):
    """An object below a URL."""

    name: str
    """Its path below the URL."""
    size_bytes: int
    version: str
    """Changes with its content: the store's tag, or when it was stored."""


def is_url(place: str) -> bool:
    """Whether this is a place in an object store, such as s3://bucket/prefix, and not a file.

    >>> is_url("s3://bucket/prefix"), is_url("/backups/kenya.spotted")
    (True, False)
    """
    return SCHEME in place


def read_settings(directory: Path | None) -> dict[str, str]:
    """Settings in a directory: the name of a file is that of a setting, e.g. aws_secret_access_key."""
    if directory is None or not directory.is_dir():
        return {}
    # a mounted Secret has hidden directories besides its files
    files = [path for path in directory.iterdir() if path.is_file() and path.name[0] != "."]
    return {path.name.lower(): path.read_text().strip() for path in files}


def open_object_store(url: str, settings: Mapping[str, str]) -> ObjectStore:
    """A store below a URL; nothing is read yet. settings: besides AWS_* and other variables.

    Raises PreconditionError without the package obstore, InvalidInputError for an invalid URL or setting.
    """
    if find_spec("obstore") is None:
        raise PreconditionError(
            "an object store needs the package obstore; install it with pip install 'spotted[s3]'"
        )
    # installed only if it is needed
    from obstore.exceptions import BaseError  # noqa: PLC0415
    from obstore.store import from_url  # noqa: PLC0415

    retries = {"max_retries": RETRIES, "retry_timeout": RETRY_TIMEOUT}
    try:
        return from_url(url, config=settings, client_options=CLIENT, retry_config=retries)
    except (BaseError, ValueError) as error:
        raise InvalidInputError(
            f"{url} cannot be used ({type(error).__name__}); use a URL such as s3://bucket/prefix, "
            "and check the settings of the object store"
        ) from None


def listed_objects(store: ObjectStore, prefix: str = "") -> Iterator[StoredObject]:
    """All objects of a store whose paths begin with the folders of a prefix."""
    for page in store.list(prefix or None):
        for each in page:
            version = str(each["e_tag"] or each["last_modified"])
            yield StoredObject(str(each["path"]), int(each["size"]), version)


@contextmanager
def failures_named(url: str, remedy: str = "check bucket and address, and repeat") -> Iterator[None]:
    """Errors of an object store as errors of Spotted that name its URL.

    They leave out the answer of the object store, which may name keys.
    """
    from obstore.exceptions import BaseError  # noqa: PLC0415 - installed only if it is needed

    try:
        yield
    except (BaseError, FileNotFoundError, PermissionError) as error:
        raise _failure(url, error, remedy) from None


def _failure(url: str, error: Exception, remedy: str) -> SpottedError:
    kind = type(error).__name__
    if kind in {"PermissionDeniedError", "UnauthenticatedError", "PermissionError"}:
        return PreconditionError(f"{url} refuses the credentials; correct them or their permissions")
    if isinstance(error, FileNotFoundError):
        return NotFoundError(f"{url} has no such bucket or file; correct the URL")
    return UnavailableError(f"{url} does not answer as expected ({kind}); {remedy}")


def each_chunk(store: ObjectStore, name: str, use: Callable[[bytes], object]) -> None:
    """Read an object piece by piece."""
    for chunk in store.get(name):
        use(bytes(chunk))
