from __future__ import annotations

import numpy as np
import pytest

from services.common.store import keys
from services.common.store.store import Store
from services.embedder.images.tones import Reference
from services.embedder.references import ReferenceStore
from spotted.errors import DamagedError, NotFoundError
from tests.services.journal_entries import break_value


def test_a_reference_comes_back_by_its_digest(store: Store) -> None:
    reference = Reference.of(np.random.default_rng(0).integers(0, 255, (20, 30, 3), dtype=np.uint8))
    references = ReferenceStore(store)
    digest = references.put(reference)
    assert references.put(reference) == digest
    assert references.get(digest) == reference
    assert references.get(digest).digest == digest


def test_an_unknown_reference_names_the_remedy(store: Store) -> None:
    with pytest.raises(NotFoundError, match="'nosuch' is not in the store; add the reference image first"):
        ReferenceStore(store).get("nosuch")


def test_a_damaged_reference_is_not_used_and_can_be_added_again(store: Store) -> None:
    reference = Reference.of(np.random.default_rng(1).integers(0, 255, (20, 30, 3), dtype=np.uint8))
    references = ReferenceStore(store)
    digest = references.put(reference)
    break_value(store, keys.reference("", digest))
    with pytest.raises(DamagedError, match="damaged in the store; add the reference image again"):
        references.get(digest)
    references.put(reference)
    assert references.get(digest) == reference
