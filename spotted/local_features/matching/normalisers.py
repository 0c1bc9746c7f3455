"""The frozen descriptors by which a match is judged: how near other animals come.

LNBNN compares a match with a further neighbour in the whole survey, so that each new photograph would change
the scores of pairs it is not part of. Here the neighbour is sought in a sample of the survey that is drawn
once and kept: the score of a pair depends on nothing but the pair and the sample.
"""

from __future__ import annotations

import hashlib
import struct
import zlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from spotted.arrays import ByteArray, Float32Array, IntArray
from spotted.local_features.features import LocalFeatures
from spotted.local_features.matching.distances import smallest

# WBIA's neighbours that vote (K = 4) and the normaliser after them
RANK_IN_ALL = 5
MOST_DESCRIPTORS = 30_000
MAGIC = b"SPLN"
VERSION = 1
# magic, version, rank, bytes of a descriptor, descriptors, owners, bytes of the owners' names, CRC-32
HEADER = struct.Struct("<4sHHHIIII")


@dataclass(frozen=True, slots=True, eq=False)
class Normalisers:
    """A sample of the descriptors of a survey, and whose they are.

    >>> import numpy as np
    >>> points = np.array([[10, 20, 3, 0]] * 5, dtype=np.float32)
    >>> one = LocalFeatures(points[:1], np.full((1, 128), 30, dtype=np.uint8), (700, 467))
    >>> other = LocalFeatures(points, np.full((5, 128), 34, dtype=np.uint8), (700, 467))
    >>> normalisers = Normalisers.sample([one, other], ["e1", "e2"], rng=np.random.default_rng(0))
    >>> normalisers.limits(one, "e1").tolist()  # 128 elements that differ by 4
    [2048.0]
    """

    descriptors: ByteArray
    """(m, d)."""
    owners: IntArray
    """(m,): index of each descriptor's owner in `names`."""
    names: tuple[str, ...]
    """Owners: what the caller passed for each sampled detection, such as its encounter."""
    rank: int
    """The normaliser is this nearest of the descriptors of other owners."""

    @staticmethod
    def sample(
        features: Sequence[LocalFeatures],
        owners: Sequence[str],
        *,
        rng: np.random.Generator,
        most: int = MOST_DESCRIPTORS,
    ) -> Normalisers:
        """A sample of the descriptors of detections.

        owners: of each detection a name that those share which show one animal at one moment, such as the
        encounter: a photograph of the same burst is no normaliser. The rank shrinks with the share that is
        sampled: the first of a fifth is about the fifth of all.
        """
        sizes = np.array([len(one) for one in features], dtype=np.int64)
        total = int(sizes.sum())
        count = min(most, total)
        chosen = np.sort(rng.choice(total, count, replace=False)) if total else np.zeros(0, dtype=np.int64)
        names = tuple(dict.fromkeys(owners))
        index = {name: i for i, name in enumerate(names)}
        of_detection = np.array([index[owner] for owner in owners], dtype=np.int64)
        dimension = features[0].descriptors.shape[1] if features else 0
        stacked = np.concatenate(
            [np.zeros((0, dimension), dtype=np.uint8), *(f.descriptors for f in features)]
        )
        rank = max(1, round(RANK_IN_ALL * count / total)) if total else RANK_IN_ALL
        return Normalisers(stacked[chosen], np.repeat(of_detection, sizes)[chosen], names, rank)

    @staticmethod
    def of_network(sha256: str) -> Normalisers:
        """In place of normalisers for a network that matches: only its SHA-256, by which scores are known."""
        none = np.zeros(0, dtype=np.int64)
        return Normalisers(np.zeros((0, 0), dtype=np.uint8), none, (sha256,), 1)

    @property
    def network(self) -> str:
        """SHA-256 of the network that matches; empty if none does."""
        return "" if self.descriptors.shape[1] else "".join(self.names)

    @property
    def digest(self) -> str:
        """SHA-256 (hex) of the content."""
        return hashlib.sha256(self.to_bytes()).hexdigest()

    def limits(self, features: LocalFeatures, owner: str) -> Float32Array:
        """The squared distance of each descriptor to its normaliser, (n,).

        owner: of this detection, as in `sample`; another string if it was not there. Infinite if there are
        too few descriptors of others.
        """
        own = self.names.index(owner) if owner in self.names else -1
        owners = np.full(len(features), own, dtype=np.int64)
        return smallest(
            features.descriptors, self.descriptors, rank=self.rank, owners_a=owners, owners_b=self.owners
        )

    def to_bytes(self) -> bytes:
        """The content with a checksum, for the store."""
        names = "\n".join(self.names).encode()
        body = names + self.owners.astype("<u4").tobytes() + np.ascontiguousarray(self.descriptors).tobytes()
        count, dimension = self.descriptors.shape
        sizes = (dimension, count, len(self.names), len(names))
        return HEADER.pack(MAGIC, VERSION, self.rank, *sizes, zlib.crc32(body)) + body

    @staticmethod
    def from_bytes(content: bytes) -> Normalisers:
        """The normalisers of `to_bytes`. Raises ValueError with the reason if bytes are damaged."""
        if len(content) < HEADER.size:
            raise ValueError(f"normalisers have {len(content)} bytes, fewer than their header")
        magic, version, rank, dimension, count, owners, length, checksum = HEADER.unpack_from(content)
        body = content[HEADER.size :]
        if magic != MAGIC or version != VERSION:
            raise ValueError("these bytes are no normalisers of this version")
        if len(body) != length + count * (4 + dimension) or zlib.crc32(body) != checksum:
            raise ValueError("normalisers were changed: their length or checksum differs")
        names = tuple(body[:length].decode().split("\n")) if owners else ()
        of = np.frombuffer(body, dtype="<u4", count=count, offset=length).astype(np.int64)
        descriptors = np.frombuffer(body, dtype=np.uint8, offset=length + 4 * count)
        return Normalisers(descriptors.reshape(count, dimension), of, names, rank)
