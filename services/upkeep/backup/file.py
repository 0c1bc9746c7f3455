"""A backup file: a line that says its format, then records that are checked one by one and as a whole.

A record is its length and the CRC-32 of length and content, each uint32 little-endian, and its content, a
spotted.v1.BackupRecord. The last one holds the SHA-256 of all bytes before it; nothing follows it.
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

from spotted.errors import InvalidInputError, PreconditionError
from spotted.v1 import store_pb2 as pb

MAGIC = b"spotted backup 1\n"
PART = ".part"
# no entry of a store is longer; what claims to be is damage
LONGEST_RECORD = 512 << 20
# unit vectors hardly shrink, journals of sessions do: slices of a record tell which it is; as many as are no
# multiple of the events in it, which begin alike
SLICES = 19
SLICE_BYTES = 4 << 10
PAYS_BELOW = 0.8
FASTEST = 1

_FRAME = struct.Struct("<II")


class RecordWriter:
    """Records on their way into a file."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._sha256 = hashlib.sha256()
        self._records = 0
        self._put(MAGIC)

    def write(self, record: pb.BackupRecord) -> None:
        """Append a record, compressed where that pays."""
        content = record.SerializeToString()
        self._frame(_deflated(content) if _pays(content) else content)
        self._records += 1

    def end(self) -> None:
        """Append the record that closes the file."""
        end = pb.BackupEnd(records=self._records, sha256=self._sha256.digest())
        self._frame(pb.BackupRecord(end=end).SerializeToString())

    def _frame(self, content: bytes) -> None:
        self._put(_FRAME.pack(len(content), _check(len(content), content)))
        self._put(content)

    def _put(self, content: bytes) -> None:
        self._sha256.update(content)
        self._file.write(content)


@contextmanager
def written(path: Path) -> Iterator[RecordWriter]:
    """A writer of a file that is there, on disk, once it is whole; one that was there is replaced.

    Raises PreconditionError where it cannot be written.
    """
    part = path.with_name(path.name + PART)
    try:
        # it holds the places of animals
        with open(part, "wb", opener=_private) as file:
            writer = RecordWriter(file)
            yield writer
            writer.end()
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
        _sync_directory(path.parent)
    except OSError as error:
        raise PreconditionError(f"{path} cannot be written ({error.strerror}); write elsewhere") from error
    finally:
        part.unlink(missing_ok=True)


def read(path: Path) -> Iterator[pb.BackupRecord]:
    """The records of a file, each checked before it is given, the last one left out.

    Raises InvalidInputError that names the byte where the file is damaged or cut off; only a reader that
    came to the end knows that all of it is well.
    """
    with _opened(path) as file:
        beginning = file.read(len(MAGIC))
        if beginning != MAGIC:
            raise _unknown(path, beginning)
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
            raise _damaged(path, at, "the records before it are not those that were written")
        if file.tell() != size:
            raise _damaged(path, file.tell(), f"{size - file.tell()} bytes follow its end")


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def _opened(path: Path) -> BinaryIO:
    try:
        return path.open("rb")
    except OSError as error:
        raise InvalidInputError(f"{path} cannot be read ({error.strerror}); name another file") from error


def _next(file: BinaryIO, path: Path, left: int) -> tuple[bytes, bytes]:
    """The content of the next record, and the frame before it."""
    at = file.tell()
    framed = file.read(_FRAME.size)
    if len(framed) < _FRAME.size:
        raise _damaged(path, at, "it is cut off here")
    length, check = _FRAME.unpack(framed)
    if length > min(LONGEST_RECORD, left - _FRAME.size):
        raise _damaged(path, at, f"its record of {length} bytes does not fit; it is cut off or damaged")
    content = file.read(length)
    if _check(length, content) != check:
        raise _damaged(path, at, "a record is not what was written")
    return content, framed


def _parsed(content: bytes, path: Path, at: int) -> pb.BackupRecord:
    try:
        record = pb.BackupRecord.FromString(content)
        if record.HasField("deflated"):
            record = pb.BackupRecord.FromString(_inflated(record.deflated))
    except (DecodeError, zlib.error) as error:
        raise _damaged(path, at, f"a record cannot be read ({error})") from error
    if record.WhichOneof("record") in {None, "deflated"}:
        raise _damaged(path, at, "a record is of no kind that this version knows")
    return record


def _deflated(content: bytes) -> bytes:
    return pb.BackupRecord(deflated=zlib.compress(content, FASTEST)).SerializeToString()


def _inflated(content: bytes) -> bytes:
    """What was compressed; a few bytes cannot make it fill the memory."""
    stream = zlib.decompressobj()
    inflated = stream.decompress(content, LONGEST_RECORD)
    if not stream.eof:
        raise zlib.error("it does not end")
    return inflated


def _pays(content: bytes) -> bool:
    apart = max(SLICE_BYTES, len(content) // SLICES)
    tried = b"".join(content[at : at + SLICE_BYTES] for at in range(0, len(content), apart))
    return len(zlib.compress(tried, FASTEST)) < PAYS_BELOW * len(tried)


def _check(length: int, content: bytes) -> int:
    return zlib.crc32(content, zlib.crc32(length.to_bytes(4, "little")))


def _unknown(path: Path, beginning: bytes) -> InvalidInputError:
    if beginning.startswith(b"spotted backup "):
        return InvalidInputError(
            f"{path} is a backup of another format, {beginning!r}; read it with the release that wrote it"
        )
    return InvalidInputError(f"{path} is no backup of a survey, or its beginning is damaged")


def _damaged(path: Path, at: int, what: str) -> InvalidInputError:
    return InvalidInputError(
        f"{path} is damaged at byte {at}: {what}; nothing was restored, use another backup of the survey"
    )


def _sync_directory(directory: Path) -> None:
    """Have a rename on disk."""
    opened = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)
