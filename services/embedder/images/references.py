"""Reference images in the store, as histograms that other images are matched to."""

from __future__ import annotations

from services.common.store import keys
from services.common.store.store import Store
from services.embedder.images.tones import LEVELS, Reference
from spotted.errors import NotFoundError
from spotted.v1 import store_pb2


class ReferenceStore:
    """The references of a store."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def put(self, reference: Reference, organisation: str = "") -> str:
        """Store a reference of an organisation and return its digest; it is on disk when this returns."""
        stored = store_pb2.StoredReference(counts=[count for line in reference.counts for count in line])
        self._store.put(keys.reference(organisation, reference.digest), stored.SerializeToString())
        return reference.digest

    def get(self, digest: str, organisation: str = "") -> Reference:
        """A reference of an organisation by its digest. Raises NotFoundError."""
        content = self._store.get(keys.reference(organisation, digest))
        if content is None:
            raise NotFoundError(f"reference {digest!r} is not in the store; add the reference image first")
        counts = store_pb2.StoredReference.FromString(content).counts
        return Reference(
            tuple(tuple(counts[start : start + LEVELS]) for start in range(0, len(counts), LEVELS))
        )
