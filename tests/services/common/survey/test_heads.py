from __future__ import annotations

import numpy as np
import pytest

from services.common.store import keys
from services.common.store.records import put_record
from services.common.store.store import Store
from services.common.survey.heads import HeadStore
from services.embedder.training.head_onnx import to_onnx
from spotted.arrays import Float32Array
from spotted.errors import DamagedError, DigestMismatchError, NotFoundError
from spotted.heads.head import Head
from spotted.scoring.similarity import unit_rows
from spotted.v1 import store_pb2, survey_pb2

SPEC = survey_pb2.EmbeddingSpec(backbone_digest="b", preprocessing_digest="p", dimension=6)


def rows(count: int = 5) -> Float32Array:
    return unit_rows(np.random.default_rng(0).normal(size=(count, 6)))


def head() -> Head:
    rng = np.random.default_rng(1)
    parts = rng.normal(size=(3, 6)), rng.normal(size=3), rng.normal(size=(6, 3)), rng.normal(size=6)
    return Head(*(0.3 * part.astype(np.float32) for part in parts))


def stored(store: Store) -> str:
    return HeadStore(store).put(
        to_onnx(head(), rows()), SPEC, survey_id="s", recipe_json="{}", metrics={"loss": 1.0}, created_s=0.0
    )


def test_a_stored_head_adapts_as_the_head_does(store: Store) -> None:
    loaded = HeadStore(store).get(stored(store))
    np.testing.assert_allclose(loaded.apply(rows()), head().apply(rows()), atol=1e-5)
    assert loaded.spec == SPEC
    assert loaded.apply(rows()[:0]).shape == (0, 6)


def test_an_unknown_digest_is_not_found(store: Store) -> None:
    with pytest.raises(NotFoundError, match="not in the store"):
        HeadStore(store).get("0" * 64)


def test_a_damaged_head_is_not_used(store: Store) -> None:
    digest = stored(store)
    content = store.get(keys.head("", digest))
    assert content is not None
    store.put(keys.head("", digest), content.replace(b"embeddings", b"imbeddings"))
    with pytest.raises(DamagedError, match=r"head '.*' is damaged in the store; activate another head"):
        HeadStore(store).get(digest)
    # also if somebody replaced it as a whole
    other = store_pb2.StoredHead(onnx=b"other")
    put_record(store, keys.head("", digest), other)
    with pytest.raises(DamagedError, match="damaged"):
        HeadStore(store).get(digest)


def test_vectors_of_another_dimension_are_refused(store: Store) -> None:
    loaded = HeadStore(store).get(stored(store))
    with pytest.raises(DigestMismatchError, match="adapts vectors of 6 elements, these have 4"):
        loaded.apply(np.eye(4, dtype=np.float32))
