from __future__ import annotations

import pytest

from spotted.errors import InvalidInputError
from spotted.training.loop.settings import LoopSettings


def test_a_batch_is_divided_evenly_or_refused() -> None:
    assert LoopSettings(batch_size=12, accumulation=3).part_size == 4
    with pytest.raises(InvalidInputError, match="a batch of 12 cannot be divided into 5 parts"):
        LoopSettings(batch_size=12, accumulation=5)
