from __future__ import annotations

import numpy as np

from services.common.store.store import Store
from services.common.survey.heads import HeadStore, StoredHead
from services.embedder.images.tones import Reference
from services.embedder.inference.stored import Head, Stores
from services.embedder.references import ReferenceStore
from spotted.v1 import survey_pb2


def test_the_stores_of_a_service_are_what_calls_ask_for(store: Store) -> None:
    stores = Stores(HeadStore(store), ReferenceStore(store))
    reference = Reference.of(np.zeros((4, 4, 3), dtype=np.uint8))
    assert stores.references.get(stores.references.put(reference)) == reference
    head: Head = StoredHead("d", survey_pb2.EmbeddingSpec(backbone_digest="b", preprocessing_digest="p"), b"")
    assert (head.digest, head.spec.backbone_digest, head.spec.preprocessing_digest) == ("d", "b", "p")
