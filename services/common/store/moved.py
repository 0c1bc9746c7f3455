"""Entries of which a part is kept in a block outside the store: the vectors of detections.

Such an entry holds all its other bytes, the place of the part in them, and a reference to the block. Put
together, they are the entry as it was appended, with its checksum. No serialised event begins with its first
byte. It keeps the mark by which readers distinguish the entry, so whoever has read that has read this one.
"""

from __future__ import annotations

import hashlib
import struct
from dataclasses import dataclass
from typing import Protocol

from services.common.store.seal import sealed, unsealed
from spotted.errors import PreconditionError, SpottedError

FIRST_BYTE = b"\0"
# bytes at either end of an entry by which it is distinguished from another
MARK_BYTES = 256
# a mark: SHA-1 in hexadecimal digits
MARK_LENGTH = 40

# The mark of an entry as the store computes it.
MARKED = f"""
local function mark(entry)
  if string.byte(entry) == 0 then return string.sub(entry, 2, {1 + MARK_LENGTH}) end
  local begins, ends = string.sub(entry, 1, {MARK_BYTES}), string.sub(entry, -{MARK_BYTES})
  return redis.sha1hex(#entry .. begins .. ends)
end
"""

# uid of the survey, digest and nonce of the block, begin and length of the part there, its place in the entry
_REFERENCE = struct.Struct("<16s32s8sIII")


@dataclass(frozen=True, slots=True)
class Reference:
    """A part of a block."""

    uid: str
    """Uid of the survey that the block belongs to, 32 hexadecimal digits."""
    digest: str
    """SHA-256 of the block, hexadecimal digits."""
    nonce: str
    """Distinguishes blocks of the same content, 16 hexadecimal digits."""
    begin: int
    """First byte of the part in the block."""
    length: int
    """Number of bytes of the part."""

    @property
    def block(self) -> str:
        """Name of the block among those of its survey."""
        return f"{self.digest}-{self.nonce}"


class BlockLostError(Exception):
    """A block is missing or damaged; the message is the fault of the event that needs it."""


class Blocks(Protocol):
    """The blocks of a store."""

    def part(self, organisation: str, reference: Reference) -> bytes | memoryview:
        """A part of a block. Raises BlockLostError, UnavailableError if the blocks cannot be reached."""


def is_moved(entry: bytes) -> bool:
    """Whether a part of an entry, as stored, is in a block."""
    return entry.startswith(FIRST_BYTE)


def mark_of(entry: bytes) -> str:
    """A digest that distinguishes an entry, as stored, from others; as the store computes it. "" for none."""
    if not entry:
        return ""
    if is_moved(entry):
        return entry[1 : 1 + MARK_LENGTH].decode(errors="replace")
    marked = b"%d%b%b" % (len(entry), entry[:MARK_BYTES], entry[-MARK_BYTES:])
    return hashlib.sha1(marked, usedforsecurity=False).hexdigest()


def without_part(place: str, entry: bytes, part: bytes, reference: Reference) -> bytes:
    """An entry as stored at a place, without a part that is in a block now.

    Raises ValueError if the part is not in the entry.
    """
    cut = entry.index(part)
    packed = _REFERENCE.pack(
        bytes.fromhex(reference.uid),
        bytes.fromhex(reference.digest),
        bytes.fromhex(reference.nonce),
        reference.begin,
        reference.length,
        cut,
    )
    rest = entry[:cut] + entry[cut + len(part) :]
    return sealed(place, FIRST_BYTE + mark_of(entry).encode() + packed + rest)


def reference_of(place: str, entry: bytes) -> Reference | None:
    """The part that a moved entry lacks; None if the entry is damaged."""
    read = _read(place, entry)
    return None if read is None else read[0]


def opened_entry(blocks: Blocks | None, organisation: str, place: str, entry: bytes) -> bytes | None:
    """The event in an entry as stored at a place, with the part that is in a block; None if it is damaged.

    Raises BlockLostError, UnavailableError if the blocks cannot be reached, PreconditionError without blocks.
    """
    if not is_moved(entry):
        return unsealed(place, entry)
    read = _read(place, entry)
    if read is None:
        return None
    if blocks is None:
        raise no_blocks()
    reference, cut, rest = read
    part = blocks.part(organisation, reference)
    return unsealed(place, b"".join((rest[:cut], part, rest[cut:])))


def no_blocks() -> SpottedError:
    """The error for vectors in blocks and a process that has none."""
    return PreconditionError(
        "the vectors of this store are in blocks outside it; set SPOTTED_VECTOR_BLOCKS_URL to the folder or "
        "URL that the other services use"
    )


def _read(place: str, entry: bytes) -> tuple[Reference, int, bytes] | None:
    """The reference of a moved entry, the place of the part in the rest of it, and this rest."""
    content = unsealed(place, entry)
    begins = len(FIRST_BYTE) + MARK_LENGTH
    ends = begins + _REFERENCE.size
    if content is None or len(content) < ends:
        return None
    uid, digest, nonce, begin, length, cut = _REFERENCE.unpack(content[begins:ends])
    return Reference(uid.hex(), digest.hex(), nonce.hex(), begin, length), cut, content[ends:]
