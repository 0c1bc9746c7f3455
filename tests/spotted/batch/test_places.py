from __future__ import annotations

import os
import tempfile
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from spotted.batch.places import OPENED, UNUSED_S, Bucket, Folder, Place, below, open_place
from spotted.errors import NotFoundError
from tests.services.upkeep.object_store import serving


@pytest.fixture(scope="module")
def bucket_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A bucket of a real S3 server, reached by the usual variables."""
    pytest.importorskip("obstore", reason="the extra s3 is not installed")
    pytest.importorskip("moto", reason="the development requirements are not installed")
    with serving(tmp_path_factory.mktemp("s3")) as settings, pytest.MonkeyPatch.context() as patched:
        for name, value in settings.items():
            patched.setenv(name.upper(), value)
        yield "s3://backups"
    open_place.cache_clear()


@pytest.fixture(params=["folder", "bucket"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    if request.param == "folder":
        return open_place(str(tmp_path / "shared"))
    return open_place(below(request.getfixturevalue("bucket_url"), uuid.uuid4().hex))


def test_files_are_written_listed_read_and_removed(place: Place, tmp_path: Path) -> None:
    assert place.folders() == []
    assert not place.exists("ridge/a.bin")
    place.write("ridge/a.bin", b"one")
    place.write("ridge/a.bin", b"two")
    (tmp_path / "source").write_bytes(b"three")
    place.take("valley/deep/b.bin", tmp_path / "source")
    assert place.read("ridge/a.bin") == b"two"
    assert place.exists("ridge/a.bin")
    assert not place.exists("ridge")
    assert place.folders() == ["ridge", "valley"]
    assert sorted((each.name, each.size_bytes) for each in place.files()) == [
        ("ridge/a.bin", 3),
        ("valley/deep/b.bin", 5),
    ]
    with place.local_file("valley/deep/b.bin") as path:
        assert (path.read_bytes(), path.suffix) == (b"three", ".bin")
    place.remove("ridge")
    place.write("evidence", b"one")
    place.remove("evidence")
    assert place.folders() == ["valley"]
    assert not place.exists("evidence")
    place.sweep("valley")
    with pytest.raises(NotFoundError, match=r"ridge/a\.bin"):
        place.read("ridge/a.bin")


def test_a_folder_appears_whole_or_not_at_all(place: Place) -> None:
    def fill(content: str, *, fails: bool) -> None:
        with place.new_folder("snapshot", "last") as directory:
            (directory / "last").write_text("")
            (directory / "columns").mkdir()
            (directory / "columns" / "a").write_text(content)
            if fails:
                raise OSError("the disk is full")

    with pytest.raises(OSError, match="the disk is full"):
        fill("half", fails=True)
    assert not place.exists("snapshot/last")
    fill("first", fails=False)
    fill("whole", fails=False)
    assert (place.local("snapshot") / "columns" / "a").read_text() == "whole"
    assert place.exists("snapshot/last")


def test_a_version_changes_with_the_content(place: Place) -> None:
    place.write("a", b"one")
    before = list(place.files())
    assert list(place.files()) == before
    place.write("a", b"two")
    assert list(place.files()) != before


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
    second = bucket.local("snapshot")
    assert (second / "a").read_bytes() == b"two"
    assert not first.exists()
    with pytest.raises(NotFoundError, match="snapshot2 has no files"):
        bucket.local("snapshot2")


def test_what_an_attempt_left_is_no_file_and_is_swept_away(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    folder.write("blocks/a", b"one")
    (tmp_path / "blocks" / "b.1.partial").write_bytes(b"half")
    assert [each.name for each in folder.files()] == ["blocks/a"]
    folder.sweep("blocks")
    assert [path.name for path in (tmp_path / "blocks").iterdir()] == ["a"]
