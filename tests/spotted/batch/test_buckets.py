from __future__ import annotations

import os
import tempfile
import time
import uuid
from pathlib import Path

import pytest

from spotted.batch.buckets import OPENED, PARTIAL, UNUSED_S, Bucket
from spotted.batch.places import below
from spotted.errors import NotFoundError


def test_copies_of_a_bucket_are_shared_until_its_files_change_or_none_opens_them(
    bucket_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    bucket = Bucket(below(bucket_url, uuid.uuid4().hex))
    bucket.write("snapshot/a", b"one")
    first = bucket.local("snapshot")
    assert bucket.local("snapshot") == first
    long_ago = time.time() - 2 * UNUSED_S
    os.utime(first / OPENED, (long_ago, long_ago))
    bucket.write("snapshot/a", b"two")
    # processes that were killed while they copied, one of them just now
    killed, running = (first.with_name(f"{name}{PARTIAL}") for name in ("killed", "running"))
    for partial in (killed, running):
        (partial / "a").mkdir(parents=True)
    os.utime(killed, (long_ago, long_ago))
    second = bucket.local("snapshot")
    assert (second / "a").read_bytes() == b"two"
    assert not first.exists()
    assert (killed.exists(), running.exists()) == (False, True)
    with pytest.raises(NotFoundError, match="snapshot2 has no files"):
        bucket.local("snapshot2")
