"""A bucket that processes reach by the usual variables."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from spotted.batch.places import open_place
from tests.services.upkeep.object_store import serving


@contextmanager
def reachable_bucket(directory: Path) -> Iterator[str]:
    """The URL of a bucket of a real S3 server; its log goes to a directory."""
    pytest.importorskip("obstore", reason="the extra s3 is not installed")
    pytest.importorskip("moto", reason="the development requirements are not installed")
    with serving(directory) as settings, pytest.MonkeyPatch.context() as patched:
        for name, value in settings.items():
            patched.setenv(name.upper(), value)
        yield "s3://backups"
    open_place.cache_clear()
