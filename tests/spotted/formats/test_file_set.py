from __future__ import annotations

from pathlib import Path

import pytest

from spotted.errors import AlreadyExistsError, InvalidInputError, PreconditionError
from spotted.formats.file_set import write_fileset


def found(directory: Path) -> dict[str, bytes]:
    return {p.relative_to(directory).as_posix(): p.read_bytes() for p in directory.rglob("*") if p.is_file()}


@pytest.mark.parametrize("exists", [False, True])
def test_files_appear_in_a_new_or_empty_directory_and_nothing_else_does(tmp_path: Path, exists: bool) -> None:  # noqa: FBT001 - parametrized
    original = tmp_path / "original"
    original.write_bytes(b"copied")
    target = tmp_path / "deep" / "target"
    if exists:
        target.mkdir(parents=True)
    write_fileset(target, {"a.csv": b"written", "sub/b.csv": original}, sources={})
    assert found(tmp_path) == {
        "original": b"copied",
        "deep/target/a.csv": b"written",
        "deep/target/sub/b.csv": b"copied",
    }


def test_a_directory_with_content_is_refused_unless_allowed_and_other_files_stay(tmp_path: Path) -> None:
    target = tmp_path / "target"
    write_fileset(target, {"a": b"1"}, sources={})
    (target / "mine").write_bytes(b"kept")
    with pytest.raises(AlreadyExistsError, match="not empty"):
        write_fileset(target, {"a": b"2"}, sources={})
    assert found(target) == {"a": b"1", "mine": b"kept"}
    write_fileset(target, {"a": b"2", "sub/b": b"3"}, sources={}, overwrite=True)
    assert found(target) == {"a": b"2", "sub/b": b"3", "mine": b"kept"}


def test_a_source_is_never_written_even_through_a_link(tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.mkdir()
    (source / "a").write_bytes(b"original")
    (tmp_path / "link").symlink_to(source)
    for target in (source, tmp_path / "link"):
        with pytest.raises(InvalidInputError, match="is the table that was read"):
            write_fileset(target, {"a": b"2"}, sources={"table": source / "a"}, overwrite=True)
    assert found(source) == {"a": b"original"}


def test_a_failure_in_the_middle_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(PreconditionError, match="cannot be written"):
        write_fileset(tmp_path / "target", {"a": b"1", "b": tmp_path / "absent"}, sources={})
    assert not list(tmp_path.iterdir())


def test_a_file_in_the_place_of_the_directory_is_refused(tmp_path: Path) -> None:
    (tmp_path / "target").write_bytes(b"mine")
    with pytest.raises(AlreadyExistsError, match="not empty"):
        write_fileset(tmp_path / "target", {"a": b"1"}, sources={})
    with pytest.raises(PreconditionError):
        write_fileset(tmp_path / "target", {"a": b"1"}, sources={}, overwrite=True)
    assert (tmp_path / "target").read_bytes() == b"mine"
