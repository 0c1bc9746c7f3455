"""A head as an ONNX file: `embeddings` (n, D) float32 to `adapted` (n, D) float32."""

from __future__ import annotations

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

from spotted.arrays import Float32Array
from spotted.errors import PreconditionError
from spotted.heads.head import Head

OPSET = 18
# newest version of the file format that the oldest supported onnxruntime reads
IR_VERSION = 10
# largest difference of an element: float32 sums in another order
PARITY = 1e-4


def to_onnx(head: Head, probes: Float32Array) -> bytes:
    """The content of the ONNX file of a head, checked to adapt `probes` (n, D) like the head.

    Raises PreconditionError if an element differs by more than PARITY.
    """
    dimension = head.w1.shape[1]
    weights = {"w1": head.w1.T, "b1": head.b1, "w2": head.w2.T, "b2": head.b2}
    nodes = [
        helper.make_node("Gemm", ["embeddings", "w1", "b1"], ["inner"]),
        helper.make_node("Relu", ["inner"], ["hidden"]),
        helper.make_node("Gemm", ["hidden", "w2", "b2"], ["change"]),
        helper.make_node("Add", ["embeddings", "change"], ["residual"]),
        helper.make_node("LpNormalization", ["residual"], ["adapted"], axis=1, p=2),
    ]
    shape = ["n", dimension]
    graph = helper.make_graph(
        nodes,
        "head",
        [helper.make_tensor_value_info("embeddings", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info("adapted", TensorProto.FLOAT, shape)],
        [numpy_helper.from_array(np.ascontiguousarray(w), name) for name, w in weights.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION)
    onnx.checker.check_model(model)
    content: bytes = model.SerializeToString()
    session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
    difference = float(np.abs(session.run(None, {"embeddings": probes})[0] - head.apply(probes)).max())
    if not difference <= PARITY:
        raise PreconditionError(
            f"the exported head differs from the trained one by {difference:.2g}; train it again "
            "with a lower learning rate"
        )
    return content
