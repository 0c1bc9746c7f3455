from __future__ import annotations

import hashlib
import struct
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.upkeep.backup import file
from services.upkeep.backup.file import MAGIC, PART, open_writer, read
from spotted.errors import InvalidInputError
from spotted.v1 import store_pb2 as pb

RANDOM = np.random.default_rng(0).bytes(100_000)


def page(*entries: bytes, session_id: str = "") -> pb.BackupRecord:
    return pb.BackupRecord(page=pb.BackupPage(session_id=session_id, entries=entries))


def write(path: Path, records: Sequence[pb.BackupRecord]) -> bytes:
    with open_writer(path) as writer:
        for record in records:
            writer.write(record)
    return path.read_bytes()


def frames(content: bytes) -> Iterator[bytes]:
    """A plain reading of the format, from its description alone."""
    at = len(MAGIC)
    while at < len(content):
        length, check = struct.unpack("<II", content[at : at + 8])
        assert zlib.crc32(content[at : at + 4] + content[at + 8 : at + 8 + length]) == check
        yield content[at + 8 : at + 8 + length]
        at += 8 + length


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "survey.spotted"


@given(st.lists(st.lists(st.binary(max_size=300), max_size=5), max_size=6))
def test_what_was_written_is_read(tmp_path_factory: pytest.TempPathFactory, pages: list[list[bytes]]) -> None:
    path = tmp_path_factory.mktemp("file") / "survey.spotted"
    records = [page(*entries) for entries in pages]
    write(path, records)
    assert list(read(path)) == records


def test_the_format_is_what_its_description_says(path: Path) -> None:
    records = [page(b"a"), page(bytes(5_000), session_id="main"), page(RANDOM)]
    content = write(path, records)
    *found, last = map(pb.BackupRecord.FromString, frames(content))
    assert [record.WhichOneof("record") for record in found] == ["page", "deflated", "page"]
    assert pb.BackupRecord.FromString(zlib.decompress(found[1].deflated)) == records[1]
    end = content.rindex(last.SerializeToString()) - 8
    assert (last.end.records, last.end.sha256) == (3, hashlib.sha256(content[:end]).digest())


def test_vectors_are_stored_as_they_are_though_what_stands_between_them_shrinks(path: Path) -> None:
    """Eight events of a survey: the names of detections, then vectors that are as good as random."""
    event = bytes(20_000) + np.random.default_rng(1).bytes(1_000_000)
    assert len(write(path, [page(*[event] * 8)])) > 8 * len(event)


def test_a_reader_gives_no_more_than_is_well(path: Path) -> None:
    content = write(path, [page(b"one"), page(b"two"), page(b"three")])
    path.write_bytes(content.replace(b"three", b"thr3e"))
    records = read(path)
    assert [next(records), next(records)] == [page(b"one"), page(b"two")]
    with pytest.raises(InvalidInputError, match="the checksum of a record is wrong"):
        next(records)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "is not a backup"),
        (b"PNG", "is not a backup"),
        (b"spotted backup 2\nmore", "another format.*the release that wrote it"),
        (MAGIC, f"damaged at byte {len(MAGIC)}: it is truncated here"),
        (MAGIC + b"\xff" * 8, "a record of 4294967295 bytes exceeds the file"),
    ],
)
def test_a_file_that_is_not_a_backup_is_reported(path: Path, content: bytes, words: str) -> None:
    path.write_bytes(content)
    with pytest.raises(InvalidInputError, match=words):
        list(read(path))


def framed(record: pb.BackupRecord) -> bytes:
    content = record.SerializeToString()
    length = struct.pack("<I", len(content))
    return length + struct.pack("<I", zlib.crc32(length + content)) + content


@pytest.mark.parametrize(
    ("record", "words"),
    [
        (pb.BackupRecord(deflated=b"no zlib"), "a record cannot be decoded"),
        (pb.BackupRecord(deflated=zlib.compress(b"\xff\xff")), "a record cannot be decoded"),
        (pb.BackupRecord(deflated=zlib.compress(bytes(99))[:-9]), "it is incomplete or too long"),
        (pb.BackupRecord(), "has a kind unknown to this release"),
        (pb.BackupRecord(end=pb.BackupEnd(records=7)), "the checksum of its records is wrong"),
    ],
)
def test_a_record_that_says_nothing_sound_is_refused(path: Path, record: pb.BackupRecord, words: str) -> None:
    path.write_bytes(MAGIC + framed(record))
    with pytest.raises(InvalidInputError, match=words):
        list(read(path))


def test_a_few_bytes_do_not_fill_the_memory(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(file, "LONGEST_RECORD", 1_000_000)
    path.write_bytes(MAGIC + framed(pb.BackupRecord(deflated=zlib.compress(bytes(2_000_000)))))
    with pytest.raises(InvalidInputError, match="it is incomplete or too long"):
        list(read(path))


def test_a_file_that_is_not_there_is_named(path: Path) -> None:
    with pytest.raises(InvalidInputError, match=r"survey\.spotted cannot be read \(No such file"):
        list(read(path))


def test_nothing_is_left_of_a_file_that_was_not_ended(path: Path) -> None:
    def stop() -> None:
        with open_writer(path) as writer:
            writer.write(page(b"one"))
            assert [each.name for each in path.parent.iterdir()] == [path.name + PART]
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        stop()
    assert not list(path.parent.iterdir())
