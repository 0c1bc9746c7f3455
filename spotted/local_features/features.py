"""Keypoints and descriptors of one detection, and their bytes.

Bytes are what the embedder sends and the store keeps: points in 8 bytes each, descriptors as they are, and a
checksum. Features are rounded as their bytes are, so that a score does not depend on where they come from.
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
# magic, version, points, bytes of a descriptor, width and height of the chip, CRC-32 of all but itself
HEADER = struct.Struct("<4sHHHHHI")
CHECKSUM_BYTES = 4
# numbers of 16 bits, of which `_pack_points` explains each
BYTES_OF_A_POINT = 8
LARGEST_CODE = 65_535
TAU = 2.0 * np.pi


@dataclass(frozen=True, slots=True, eq=False)
class LocalFeatures:
    """Keypoints of a chip (the crop of a detection at the size of the method), strongest first.

    >>> import numpy as np
    >>> points = np.array([[30.0, 20.0, 4.0, 0.0]], dtype=np.float32)
    >>> features = LocalFeatures(points, np.full((1, 128), 9, dtype=np.uint8), (700, 467))
    >>> len(features), len(features.to_bytes())
    (1, 154)
    >>> LocalFeatures.from_bytes(features.to_bytes()).size
    (700, 467)
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
        fitting = (MOST_BYTES - HEADER.size) // (BYTES_OF_A_POINT + dimension)
        kept = self.strongest(fitting)
        body = _pack_points(kept.points, self.size) + np.ascontiguousarray(kept.descriptors).tobytes()
        fields = HEADER.pack(MAGIC, VERSION, len(kept), dimension, *self.size, 0)[:-CHECKSUM_BYTES]
        return fields + struct.pack("<I", zlib.crc32(body, zlib.crc32(fields))) + body

    @staticmethod
    def from_bytes(content: bytes) -> LocalFeatures:
        """The features of `to_bytes`. Raises ValueError with the reason if bytes are damaged."""
        if len(content) < HEADER.size:
            raise ValueError(f"local features have {len(content)} bytes, fewer than their header")
        magic, version, count, dimension, width, height, checksum = HEADER.unpack_from(content)
        if magic != MAGIC:
            raise ValueError("these bytes are no local features")
        if version != VERSION:
            raise ValueError(f"local features of version {version} cannot be read, only of version {VERSION}")
        body = content[HEADER.size :]
        expected = count * (BYTES_OF_A_POINT + dimension)
        if len(body) != expected:
            raise ValueError(f"local features have {len(body)} bytes after their header, not {expected}")
        if zlib.crc32(body, zlib.crc32(content[: HEADER.size - CHECKSUM_BYTES])) != checksum:
            raise ValueError("local features were changed: their checksum differs")
        if not (width and height):
            raise ValueError(f"the chip of local features has {width} x {height} pixels")
        codes, rest = body[: count * BYTES_OF_A_POINT], body[count * BYTES_OF_A_POINT :]
        descriptors = np.frombuffer(rest, dtype=np.uint8).reshape(count, dimension)
        return LocalFeatures(_unpack_points(codes, (width, height)), descriptors, (width, height))


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
