from __future__ import annotations

import shutil
import zipfile
from pathlib import Path

import pytest

from spotted.errors import InvalidInputError, PreconditionError
from spotted.formats.archive import unpack


def zipped(path: Path, **files: str) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in files.items():
            archive.writestr(name.replace("__", "/"), content)
    return path


def content(directory: Path) -> dict[str, str]:
    return {
        p.relative_to(directory).as_posix(): p.read_text()
        for p in directory.rglob("*")
        if p.is_file() and not p.name.startswith(".")
    }


def test_an_archive_is_unpacked_once_and_again_if_it_changed(tmp_path: Path) -> None:
    archive = zipped(tmp_path / "a.zip", a="1", sub__b="2")
    folder = unpack(archive, tmp_path / "data")
    assert content(folder) == {"a": "1", "sub/b": "2"}
    (folder / "a").write_text("kept")
    assert unpack(archive, tmp_path / "data") == folder
    assert content(folder)["a"] == "kept"
    zipped(archive, a="3")
    assert content(unpack(archive, tmp_path / "data")) == {"a": "3"}
    assert [p.name for p in (tmp_path / "data").iterdir()] == [folder.name]


def test_archives_of_one_name_have_folders_of_their_own(tmp_path: Path) -> None:
    (tmp_path / "x").mkdir()
    first = unpack(zipped(tmp_path / "a.zip", a="1"), tmp_path / "data")
    assert unpack(zipped(tmp_path / "x" / "a.zip", a="2"), tmp_path / "data") != first


def test_what_a_mac_adds_is_left_out(tmp_path: Path) -> None:
    archive = zipped(tmp_path / "a.zip", a="1")
    with zipfile.ZipFile(archive, "a") as opened:
        opened.writestr("__MACOSX/._a", "x")
        opened.writestr("sub/.DS_Store", "x")
    assert content(unpack(archive, tmp_path / "data")) == {"a": "1"}


@pytest.mark.parametrize("name", ["../evil", "/etc/evil", "a/../../evil", "C:/evil", "..\\evil"])
def test_a_file_that_would_lie_outside_is_refused(tmp_path: Path, name: str) -> None:
    archive = tmp_path / "a.zip"
    with zipfile.ZipFile(archive, "w") as opened:
        opened.writestr(name, "x")
    with pytest.raises(InvalidInputError, match="lies outside"):
        unpack(archive, tmp_path / "data")
    assert not (tmp_path / "data").exists()


def test_a_damaged_archive_is_named_and_leaves_nothing(tmp_path: Path) -> None:
    archive = zipped(tmp_path / "a.zip", a="content that is long enough")
    whole = archive.read_bytes()
    archive.write_bytes(whole[:30] + b"X" + whole[31:])
    with pytest.raises(InvalidInputError, match=r"a\.zip cannot be unpacked"):
        unpack(archive, tmp_path / "data")
    assert list((tmp_path / "data").iterdir()) == []
    archive.write_bytes(b"PK")
    with pytest.raises(InvalidInputError, match="cannot be unpacked: File is not a zip file"):
        unpack(archive, tmp_path / "data")


def test_without_room_nothing_is_unpacked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage._replace(free=0))
    with pytest.raises(PreconditionError, match="needs 0 MB unpacked"):
        unpack(zipped(tmp_path / "a.zip", a="1"), tmp_path / "data")
