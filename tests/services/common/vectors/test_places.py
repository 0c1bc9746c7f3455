from __future__ import annotations

from pathlib import Path

import pytest

from services.common.vectors.places import PART, Folder
from spotted.errors import UnavailableError


def test_objects_of_a_folder_come_back_until_they_are_removed(tmp_path: Path) -> None:
    place = Folder(tmp_path / "deep" / "folder")
    assert place.get("a/b/c") is None
    assert list(place.kept("a")) == []
    place.put("a/b/c", b"one")
    place.put("a/b/c", b"two")
    place.put("b/c", b"")
    assert place.get("a/b/c") == b"two"
    (found,) = place.kept("a")
    path = tmp_path / "deep" / "folder" / "a" / "b" / "c"
    assert (found.name, found.written_s) == ("a/b/c", path.stat().st_mtime)
    assert path.stat().st_mode & 0o077 == 0
    place.remove("a/b/c")
    place.remove("a/b/c")
    # folders without objects go, others stay
    assert [each.name for each in tmp_path.rglob("*")] == ["deep", "folder", "b", "c"]


def test_an_object_appears_only_once_it_is_complete(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place = Folder(tmp_path)
    seen: list[bytes | None] = []

    def fail(self: Path, _: Path) -> Path:
        seen.append(place.get("a"))
        assert self.name.endswith(PART)
        assert self.read_bytes() == b"content"
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", fail)
    with pytest.raises(UnavailableError, match=rf"{tmp_path} cannot be .*No space left.*mount the folder"):
        place.put("a", b"content")
    assert seen == [None]
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"")
    with pytest.raises(UnavailableError, match="Not a directory"):
        Folder(tmp_path).get("a/b")
