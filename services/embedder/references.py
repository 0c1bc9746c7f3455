"""Reference images in the store, as histograms that other images are matched to."""

from __future__ import annotations

from services.common.store import keys
from services.common.store.records import get_record, put_record
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
        put_record(self._store, keys.reference(organisation, reference.digest), stored)
        return reference.digest

    def get(self, digest: str, organisation: str = "") -> Reference:
        """A reference of an organisation by its digest. Raises NotFoundError, DamagedError."""
        stored = get_record(
            self._store,
            keys.reference(organisation, digest),
            store_pb2.StoredReference,
            named=f"reference {digest!r}",
            remedy="add the reference image again",
        )
        if stored is None:
            raise NotFoundError(f"reference {digest!r} is not in the store; add the reference image first")
        counts = stored.counts
        return Reference(
            tuple(tuple(counts[start : start + LEVELS]) for start in range(0, len(counts), LEVELS))
        )
