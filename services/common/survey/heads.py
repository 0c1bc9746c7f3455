"""Adaptation heads in the store, by the SHA-256 of their ONNX bytes, and applied with onnxruntime."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from services.common.store import keys
from services.common.store.records import get_record, put_record
from services.common.store.store import Store
from spotted import messages
from spotted.arrays import Float32Array
from spotted.errors import DamagedError, DigestMismatchError, NotFoundError
from spotted.scoring.similarity import unit_rows
from spotted.v1 import store_pb2, survey_pb2

if TYPE_CHECKING:
    import onnxruntime

# heads kept in memory; a head has a few hundred KiB
LOADED = 16
# vectors adapted at once, which bounds the memory
ROWS = 4096


@dataclass(frozen=True, slots=True)
class StoredHead:
    """An adaptation head."""

    digest: str
    spec: survey_pb2.EmbeddingSpec
    """How the vectors that it adapts are made."""
    onnx: bytes

    def apply(self, embeddings: Float32Array) -> Float32Array:
        """Adapted unit vectors (n, D) of unit vectors (n, D).

        Raises DigestMismatchError if the head needs another D.
        """
        if embeddings.shape[1] != self.spec.dimension:
            raise DigestMismatchError(
                f"head {self.digest[:12]} adapts vectors of {self.spec.dimension} elements, these have "
                f"{embeddings.shape[1]}; embed with the backbone that the head was trained on"
            )
        session = _session(self.onnx)
        blocks = [
            session.run(None, {"embeddings": embeddings[i : i + ROWS]})[0]
            for i in range(0, len(embeddings), ROWS)
        ]
        return unit_rows(np.concatenate(blocks)) if blocks else embeddings


class HeadStore:
    """The heads of a store."""

    def __init__(self, store: Store) -> None:
        self._store = store
        # the content of a digest never changes
        self._known = lru_cache(LOADED)(self._read)

    def get(self, digest: str, organisation: str = "") -> StoredHead:
        """A head of an organisation by its digest. Raises NotFoundError, DamagedError."""
        return self._known(digest, organisation)

    def _read(self, digest: str, organisation: str) -> StoredHead:
        named, remedy = f"head {digest!r}", "activate another head, or restore a backup of its survey"
        key = keys.head(organisation, digest)
        stored = get_record(self._store, key, store_pb2.StoredHead, named=named, remedy=remedy)
        if stored is None:
            raise NotFoundError(f"head {digest!r} is not in the store; train it, or activate another head")
        if hashlib.sha256(stored.onnx).hexdigest() != digest:
            raise DamagedError(f"{named} is damaged in the store; {remedy}")
        return StoredHead(digest, stored.embedding, stored.onnx)

    def put(
        self,
        onnx: bytes,
        spec: survey_pb2.EmbeddingSpec,
        *,
        survey_id: str,
        recipe_json: str,
        metrics: Mapping[str, float],
        created_s: float,
    ) -> str:
        """Store a head; returns its digest."""
        digest = hashlib.sha256(onnx).hexdigest()
        stored = store_pb2.StoredHead(
            onnx=onnx,
            embedding=spec,
            survey_id=survey_id,
            recipe_json=recipe_json,
            metrics=metrics,
            create_time=messages.timestamp(created_s),
        )
        # listed first, so that a backup of the survey never misses it
        self._store.add_member(keys.trained(survey_id), digest)
        put_record(self._store, keys.head(keys.owner(survey_id), digest), stored)
        return digest


@lru_cache(maxsize=LOADED)
def _session(onnx: bytes) -> onnxruntime.InferenceSession:
    # in the scorer only a survey with a head needs onnxruntime
    import onnxruntime  # noqa: PLC0415

    options = onnxruntime.SessionOptions()
    # many threads call it, and each call is small
    options.intra_op_num_threads = 1
    return onnxruntime.InferenceSession(onnx, options, providers=["CPUExecutionProvider"])
