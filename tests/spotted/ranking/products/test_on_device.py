from __future__ import annotations

import sys

import numpy as np
import pytest

from spotted.errors import PreconditionError
from spotted.ranking.products import on_device
from spotted.ranking.products.on_device import DeviceProducts, open_device
from spotted.scoring.similarity import unit_rows


def test_rows_are_copied_block_by_block_in_their_own_precision(monkeypatch: pytest.MonkeyPatch) -> None:
    torch = pytest.importorskip("torch", reason="the extra `train` is not installed")
    monkeypatch.setattr(on_device, "COPIED", 4)
    vectors = unit_rows(np.random.default_rng(0).normal(size=(11, 8)))
    for dtype, kept in ((np.float16, torch.float16), (np.float32, torch.float32)):
        rows = DeviceProducts(vectors.astype(dtype), "cpu").rows
        assert rows.dtype == kept
        np.testing.assert_array_equal(rows.numpy(), vectors.astype(dtype))


def test_a_missing_device_is_refused_and_named() -> None:
    pytest.importorskip("torch", reason="the extra `train` is not installed")
    for name in ("cuda:77", "cuba"):
        with pytest.raises(PreconditionError, match=f"device '{name}' cannot be used for ranking"):
            open_device(name)


def test_without_torch_a_device_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(PreconditionError, match="needs torch; install the extra"):
        DeviceProducts(np.zeros((1, 2), np.float32), "cuda")
