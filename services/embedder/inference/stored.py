"""Stored objects that calls refer to by digest, as far as embedding needs them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from services.embedder.images.tones import Reference
from spotted.arrays import Float32Array


class HeadSpec(Protocol):
    """How the vectors are made that a head adapts."""

    @property
    def backbone_digest(self) -> str:
        """SHA-256 (hex) of the backbone."""

    @property
    def preprocessing_digest(self) -> str:
        """Digest of the preparation."""


class Head(Protocol):
    """An adaptation head."""

    @property
    def digest(self) -> str:
        """SHA-256 (hex) that identifies it."""

    @property
    def spec(self) -> HeadSpec:
        """The vectors that it adapts."""

    def apply(self, embeddings: Float32Array) -> Float32Array:
        """Adapted unit vectors (n, D) of unit vectors (n, D). Raises DigestMismatchError for another D."""


class Heads(Protocol):
    """Heads that can be asked for."""

    def get(self, digest: str, organisation: str = "") -> Head:
        """A head of an organisation by its digest. Raises NotFoundError."""


class References(Protocol):
    """Reference images, as histograms."""

    def put(self, reference: Reference, organisation: str = "") -> str:
        """Store a reference of an organisation and return its digest."""

    def get(self, digest: str, organisation: str = "") -> Reference:
        """A reference of an organisation by its digest. Raises NotFoundError."""


@dataclass(frozen=True, slots=True)
class Stores:
    """Stored objects that calls refer to by digest."""

    heads: Heads
    references: References
