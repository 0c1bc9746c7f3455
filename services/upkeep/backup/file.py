"""The format of backup files: a line with the format version, then records with checksums.

A record is its length and the CRC-32 of length and content, each uint32 little-endian, and its content, a
spotted.v1.BackupRecord. The last record has the SHA-256 of all bytes before it; nothing follows it.
"""

from __future__ import annotations

import hashlib
import os
import struct
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from google.protobuf.message import DecodeError

from services.common.vectors.places import sync_directory
from spotted.errors import InvalidInputError, PreconditionError
from spotted.v1 import store_pb2 as pb

MAGIC = b"spotted backup 1\n"
PART = ".part"
# no entry of a store is longer; a longer length means damage
LONGEST_RECORD = 512 << 20
# unit vectors hardly compress, journals of sessions do: slices of a record are compressed to decide. The
# number is not a multiple of the usual number of events in a record, since events begin alike
SLICES = 19
SLICE_BYTES = 4 << 10
PAYS_BELOW = 0.8
FASTEST = 1

_FRAME = struct.Struct("<II")


class RecordWriter:
    """Writes records to a file."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._sha256 = hashlib.sha256()
        self._records = 0
        self._put(MAGIC)

    def write(self, record: pb.BackupRecord) -> None:
        """Append a record, compressed if that saves enough."""
        content = record.SerializeToString()
        self._frame(_deflated(content) if _pays(content) else content)
        self._records += 1

    def end(self) -> None:
        """Append the last record of the file."""
        end = pb.BackupEnd(records=self._records, sha256=self._sha256.digest())
        self._frame(pb.BackupRecord(end=end).SerializeToString())

    def _frame(self, content: bytes) -> None:
        self._put(_FRAME.pack(len(content), _check(len(content), content)))
        self._put(content)

    def _put(self, content: bytes) -> None:
        self._sha256.update(content)
        self._file.write(content)


@contextmanager
def open_writer(path: Path) -> Iterator[RecordWriter]:
    """A writer of a file that appears, on disk, once it is complete; an existing file is replaced.

    Raises PreconditionError if it cannot be written.
    """
    part = path.with_name(path.name + PART)
    try:
        # private, since it contains the positions of animals
        with open(part, "wb", opener=_private) as file:
            writer = RecordWriter(file)
            yield writer
            writer.end()
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
        sync_directory(path.parent)
    except OSError as error:
        raise PreconditionError(
            f"{path} cannot be written ({error.strerror}); write to another directory"
        ) from error
    finally:
        part.unlink(missing_ok=True)


def read(path: Path) -> Iterator[pb.BackupRecord]:
    """The records of a file except the last one; each is checked before it is yielded.

    Raises InvalidInputError with the byte at which the file is damaged or truncated. The whole file is
    verified only after the last record was read.
    """
    with _open(path) as file:
        first_line = file.read(len(MAGIC))
        if first_line != MAGIC:
            raise _unknown(path, first_line)
        sha256 = hashlib.sha256(MAGIC)
        size, records = path.stat().st_size, 0
        while True:
            at = file.tell()
            content, framed = _next(file, path, size - at)
            record = _parsed(content, path, at)
            if record.HasField("end"):
                break
            sha256.update(framed)
            sha256.update(content)
            records += 1
            yield record
        if (record.end.records, record.end.sha256) != (records, sha256.digest()):
            raise _damaged(path, at, "the number or the checksum of its records is wrong")
        if file.tell() != size:
            raise _damaged(path, file.tell(), f"{size - file.tell()} bytes follow its last record")


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def _open(path: Path) -> BinaryIO:
    try:
        return path.open("rb")
    except OSError as error:
        raise InvalidInputError(f"{path} cannot be read ({error.strerror}); use another file") from error


def _next(file: BinaryIO, path: Path, left: int) -> tuple[bytes, bytes]:
    """The content of the next record, and its frame."""
    at = file.tell()
    framed = file.read(_FRAME.size)
    if len(framed) < _FRAME.size:
        raise _damaged(path, at, "it is truncated here")
    length, check = _FRAME.unpack(framed)
    if length > min(LONGEST_RECORD, left - _FRAME.size):
        raise _damaged(path, at, f"a record of {length} bytes exceeds the file; it is truncated or damaged")
    content = file.read(length)
    if _check(length, content) != check:
        raise _damaged(path, at, "the checksum of a record is wrong")
    return content, framed


def _parsed(content: bytes, path: Path, at: int) -> pb.BackupRecord:
    try:
        record = pb.BackupRecord.FromString(content)
        if record.HasField("deflated"):
            record = pb.BackupRecord.FromString(_inflated(record.deflated))
    except (DecodeError, zlib.error) as error:
        raise _damaged(path, at, f"a record cannot be decoded ({error})") from error
    if record.WhichOneof("record") in {None, "deflated"}:
        raise _damaged(path, at, "a record has a kind unknown to this release")
    return record


def _deflated(content: bytes) -> bytes:
    return pb.BackupRecord(deflated=zlib.compress(content, FASTEST)).SerializeToString()


def _inflated(content: bytes) -> bytes:
    """Decompressed content, limited so that a few bytes cannot fill the memory."""
    stream = zlib.decompressobj()
    inflated = stream.decompress(content, LONGEST_RECORD)
    if not stream.eof:
        raise zlib.error("it is incomplete or too long")
    return inflated


def _pays(content: bytes) -> bool:
    apart = max(SLICE_BYTES, len(content) // SLICES)
    tried = b"".join(content[at : at + SLICE_BYTES] for at in range(0, len(content), apart))
    return len(zlib.compress(tried, FASTEST)) < PAYS_BELOW * len(tried)


def _check(length: int, content: bytes) -> int:
    return zlib.crc32(content, zlib.crc32(length.to_bytes(4, "little")))


def _unknown(path: Path, first_line: bytes) -> InvalidInputError:
    if first_line.startswith(b"spotted backup "):
        return InvalidInputError(
            f"{path} is a backup in another format, {first_line!r}; read it with the release that wrote it"
        )
    return InvalidInputError(f"{path} is not a backup of a survey, or its first line is damaged")


def _damaged(path: Path, at: int, fault: str) -> InvalidInputError:
    return InvalidInputError(
        f"{path} is damaged at byte {at}: {fault}; nothing was restored, use another backup of the survey"
    )
