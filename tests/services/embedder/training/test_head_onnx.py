from __future__ import annotations

import hashlib

import numpy as np
import onnx
import onnxruntime
import pytest

from services.embedder.training.head_onnx import OPSET, PARITY, to_onnx
from spotted.errors import PreconditionError
from spotted.heads.head import Head
from spotted.scoring.similarity import unit_rows


def head(scale: float = 0.3) -> Head:
    rng = np.random.default_rng(1)
    parts = rng.normal(size=(3, 6)), rng.normal(size=3), rng.normal(size=(6, 3)), rng.normal(size=6)
    return Head(*(scale * part.astype(np.float32) for part in parts))


PROBES = unit_rows(np.random.default_rng(0).normal(size=(9, 6)))


def test_a_file_says_its_inputs_outputs_and_operators() -> None:
    model = onnx.load_from_string(to_onnx(head(), PROBES))
    assert [i.name for i in model.graph.input] == ["embeddings"]
    assert [o.name for o in model.graph.output] == ["adapted"]
    assert model.opset_import[0].version == OPSET
    assert model.graph.input[0].type.tensor_type.shape.dim[0].dim_param == "n"


@pytest.mark.parametrize("count", [0, 1, 33])
def test_a_file_adapts_other_vectors_than_its_probes_as_the_head_does(count: int) -> None:
    session = onnxruntime.InferenceSession(to_onnx(head(), PROBES), providers=["CPUExecutionProvider"])
    others = unit_rows(np.random.default_rng(7).normal(size=(count, 6)))
    adapted = session.run(None, {"embeddings": others})[0]
    np.testing.assert_allclose(adapted, head().apply(others), atol=PARITY)


def test_equal_heads_give_equal_files_and_other_heads_others() -> None:
    digests = [hashlib.sha256(to_onnx(h, PROBES)).digest() for h in (head(), head(), head(0.4))]
    assert digests[0] == digests[1] != digests[2]


def test_a_head_that_is_not_finite_is_not_written() -> None:
    broken = head()
    broken.w1[0, 0] = np.nan
    with pytest.raises(PreconditionError, match="differs from the trained one by nan"):
        to_onnx(broken, PROBES)
