"""Checksums of stored values: changed bytes are noticed, and so is a value that belongs to another place."""

from __future__ import annotations

import struct
import zlib

_SEAL = struct.Struct("<I")


def sealed(place: str, content: bytes) -> bytes:
    """Content followed by the CRC-32 of its place and itself, as it is stored at that place."""
    return content + _SEAL.pack(_checksum(place, content))


def unsealed(place: str, stored: bytes) -> bytes | None:
    """The content of what is stored at a place; None if it is damaged or belongs to another place."""
    content, end = stored[: -_SEAL.size], stored[-_SEAL.size :]
    return content if end == _SEAL.pack(_checksum(place, content)) else None


def entry_place(key: str, position: int) -> str:
    """The place of an entry of a journal; position: counted from 0."""
    return f"{key} {position}"


def _checksum(place: str, content: bytes) -> int:
    return zlib.crc32(content, zlib.crc32(place.encode()))
