from __future__ import annotations

import uuid
from pathlib import Path

import pytest

from spotted.batch.places import Folder, Place, below, open_place
from spotted.errors import NotFoundError


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


def test_what_an_attempt_left_is_no_file_and_is_swept_away(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    folder.write("blocks/a", b"one")
    (tmp_path / "blocks" / "b.1.partial").write_bytes(b"half")
    assert [each.name for each in folder.files()] == ["blocks/a"]
    folder.sweep("blocks")
    assert [path.name for path in (tmp_path / "blocks").iterdir()] == ["a"]
