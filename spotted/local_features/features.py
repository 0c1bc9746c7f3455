"""Keypoints and descriptors of one detection, and their bytes.

Bytes are what the embedder sends and the store keeps: points in 8 bytes each, descriptors, and a checksum.
Descriptors lose nothing; those of elements in steps of 16 take 4 bits for each. Features are rounded as their
bytes are, so that a score does not depend on where they come from.
"""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass, replace

import numpy as np

from spotted.arrays import ByteArray, Float32Array

MOST_BYTES = 65_536
MAGIC = b"SPLF"
VERSION = 1
# magic, version, bits of an element, points, elements of a descriptor, width and height of the chip, CRC-32
# of all but itself
HEADER = struct.Struct("<4sBBHHHHI")
CHECKSUM_BYTES = 4
# elements that are multiples of it are packed, two in a byte
PACKED_STEP = 16
PACKED_BITS, WHOLE_BITS = 4, 8
# numbers of 16 bits, of which `_pack_points` explains each
BYTES_OF_A_POINT = 8
LARGEST_CODE = 65_535
TAU = 2.0 * np.pi


@dataclass(frozen=True, slots=True, eq=False)
class LocalFeatures:
    """Keypoints of a chip (the crop of a detection at the size of the method), strongest first.

    >>> import numpy as np
    >>> points = np.array([[30.0, 20.0, 4.0, 0.0]], dtype=np.float32)
    >>> features = LocalFeatures(points, np.full((1, 128), 48, dtype=np.uint8), (400, 267))
    >>> len(features), len(features.to_bytes())
    (1, 90)
    >>> LocalFeatures.from_bytes(features.to_bytes()).size
    (400, 267)
    """

    points: Float32Array
    """(n, 4): x and y from the upper left corner in pixels, scale in pixels, angle in radians."""
    descriptors: ByteArray
    """(n, d): quantised descriptors, compared by their Euclidean distance."""
    size: tuple[int, int]
    """Width and height of the chip in pixels."""

    def __len__(self) -> int:
        return len(self.points)

    def strongest(self, count: int) -> LocalFeatures:
        """The first `count` keypoints."""
        return replace(self, points=self.points[:count], descriptors=self.descriptors[:count])

    def rounded(self) -> LocalFeatures:
        """These features as they are after a trip through bytes."""
        return LocalFeatures.from_bytes(self.to_bytes())

    def to_bytes(self) -> bytes:
        """At most 64 KiB; the weakest keypoints are left out."""
        dimension = self.descriptors.shape[1]
        bits = WHOLE_BITS if (self.descriptors % PACKED_STEP).any() else PACKED_BITS
        fitting = (MOST_BYTES - HEADER.size) // (BYTES_OF_A_POINT + _bytes(dimension, bits))
        kept = self.strongest(fitting)
        body = _pack_points(kept.points, self.size) + _pack_descriptors(kept.descriptors, bits)
        fields = HEADER.pack(MAGIC, VERSION, bits, len(kept), dimension, *self.size, 0)[:-CHECKSUM_BYTES]
        return fields + struct.pack("<I", zlib.crc32(body, zlib.crc32(fields))) + body

    @staticmethod
    def from_bytes(content: bytes) -> LocalFeatures:
        """The features of `to_bytes`. Raises ValueError with the reason if bytes are damaged."""
        if len(content) < HEADER.size:
            raise ValueError(f"local features have {len(content)} bytes, fewer than their header")
        magic, version, bits, count, dimension, width, height, checksum = HEADER.unpack_from(content)
        if magic != MAGIC:
            raise ValueError("these bytes are no local features")
        if version != VERSION:
            raise ValueError(f"local features of version {version} cannot be read, only of version {VERSION}")
        if bits not in {PACKED_BITS, WHOLE_BITS}:
            raise ValueError(f"local features have elements of {bits} bits, not of 4 or 8")
        body = content[HEADER.size :]
        expected = count * (BYTES_OF_A_POINT + _bytes(dimension, bits))
        if len(body) != expected:
            raise ValueError(f"local features have {len(body)} bytes after their header, not {expected}")
        if zlib.crc32(body, zlib.crc32(content[: HEADER.size - CHECKSUM_BYTES])) != checksum:
            raise ValueError("local features were changed: their checksum differs")
        if not (width and height):
            raise ValueError(f"the chip of local features has {width} x {height} pixels")
        codes, rest = body[: count * BYTES_OF_A_POINT], body[count * BYTES_OF_A_POINT :]
        points = _unpack_points(codes, (width, height))
        return LocalFeatures(points, _unpack_descriptors(rest, count, dimension, bits), (width, height))


def no_features(dimension: int, size: tuple[int, int]) -> LocalFeatures:
    """The features of a chip in which nothing was found."""
    points = np.zeros((0, 4), dtype=np.float32)
    return LocalFeatures(points, np.zeros((0, dimension), dtype=np.uint8), size)


def _pack_points(points: Float32Array, size: tuple[int, int]) -> bytes:
    """Codes of 16 bits: x and y as shares of the chip, the scale as a half float, the share of a turn."""
    codes = np.empty((4, len(points)), dtype="<u2")
    shares = np.clip(points[:, :2].astype(np.float64) / size, 0.0, 1.0)
    codes[:2] = np.round(shares.T * LARGEST_CODE)
    codes[2] = points[:, 2].astype("<f2").view("<u2")
    codes[3] = np.round(points[:, 3] / TAU * (LARGEST_CODE + 1)) % (LARGEST_CODE + 1)
    return codes.tobytes()


def _unpack_points(content: bytes, size: tuple[int, int]) -> Float32Array:
    codes = np.frombuffer(content, dtype="<u2").reshape(4, -1)
    points = np.empty((codes.shape[1], 4), dtype=np.float32)
    points[:, :2] = codes[:2].T / LARGEST_CODE * size
    points[:, 2] = codes[2].view("<f2")
    points[:, 3] = codes[3] * (TAU / (LARGEST_CODE + 1))
    if not (np.isfinite(points[:, 2]) & (points[:, 2] > 0.0)).all():
        raise ValueError("a keypoint of local features has a scale that is not above 0")
    return points


def _bytes(dimension: int, bits: int) -> int:
    """The bytes of a descriptor; an odd last element has its own."""
    return (dimension * bits + 7) // 8


def _pack_descriptors(descriptors: ByteArray, bits: int) -> bytes:
    if bits == WHOLE_BITS:
        return np.ascontiguousarray(descriptors).tobytes()
    even = np.pad(descriptors, ((0, 0), (0, descriptors.shape[1] % 2)))
    return (even[:, ::2] | even[:, 1::2] // PACKED_STEP).tobytes()


def _unpack_descriptors(content: bytes, count: int, dimension: int, bits: int) -> ByteArray:
    rows = np.frombuffer(content, dtype=np.uint8).reshape(count, _bytes(dimension, bits))
    if bits == WHOLE_BITS:
        return rows
    steps = np.empty((count, 2 * rows.shape[1]), dtype=np.uint8)
    steps[:, ::2], steps[:, 1::2] = rows // PACKED_STEP, rows % PACKED_STEP
    return steps[:, :dimension] * np.uint8(PACKED_STEP)
