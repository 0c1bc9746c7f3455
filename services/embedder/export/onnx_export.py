"""A torch network as the content of an ONNX file, and the proof that both give the same features.

The same packages and weights give the same content, byte for byte.
"""

from __future__ import annotations

import logging
import warnings
from dataclasses import dataclass

import numpy as np
import onnx
import onnxruntime
import torch

from services.embedder.export.architectures import PixelFeatures
from services.embedder.images.decoding import ByteArray
from spotted.arrays import Float32Array
from spotted.errors import PreconditionError

OPSET = 18
# of the largest feature, or of 1 where all are smaller
LARGEST_DIFFERENCE = 1e-4
LEAST_COSINE = 0.99999
# feature maps of this many large images fit the memory of a small machine
TOGETHER = 3


@dataclass(frozen=True, slots=True)
class Agreement:
    """How far two sets of features are apart: the largest absolute difference, the least cosine of a row."""

    largest_difference: float
    least_cosine: float

    def __str__(self) -> str:
        difference, cosine = self.largest_difference, self.least_cosine
        return f"features differ by up to {difference:.2g} and cosine falls to {cosine:.7f}"


def trace(network: PixelFeatures, size: int) -> bytes:
    """The network as the content of an ONNX file for images of this edge, with a free batch size."""
    # it names every torchvision operator that it does without
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)
    with warnings.catch_warnings(), torch.no_grad():
        # torch warns of its own use of its own deprecated class
        warnings.filterwarnings("ignore", message=".isinstance.treespec, LeafSpec", category=FutureWarning)
        program = torch.onnx.export(
            network,
            (torch.zeros(2, size, size, 3, dtype=torch.uint8),),
            input_names=["pixels"],
            output_names=["features"],
            opset_version=OPSET,
            dynamic_shapes={"pixels": {0: torch.export.Dim("n")}},
            dynamo=True,
            verbose=False,
        )
    model = program.model_proto  # type: ignore[union-attr] # None only where a file is named
    return serialised(model)


def serialised(model: onnx.ModelProto) -> bytes:
    """The content of a checked model's file, without this machine's paths and line numbers."""
    graph = model.graph
    values = [*graph.input, *graph.output, *graph.value_info]
    for properties in (part.metadata_props for part in (model, graph)):
        del properties[:]
    for node in graph.node:
        del node.metadata_props[:]
    for tensor in graph.initializer:
        del tensor.metadata_props[:]
    for value in values:
        del value.metadata_props[:]
    used = {"", *(node.domain for node in graph.node)}
    # the quantiser lists every domain that onnxruntime knows
    for entry in [entry for entry in model.opset_import if entry.domain not in used]:
        model.opset_import.remove(entry)
    onnx.checker.check_model(model)
    content: bytes = model.SerializeToString(deterministic=True)
    return content


def check_parity(network: PixelFeatures, content: bytes, size: int) -> Agreement:
    """How well the ONNX file and torch agree on noise, gradients and flat images of this edge.

    Raises PreconditionError where they do not.
    """
    images = probes(size)
    with torch.no_grad():
        batches = [network(torch.from_numpy(batch)).numpy() for batch in np.split(images, TOGETHER)]
    expected = np.concatenate(batches)
    # together and one by one: the batch size must not matter
    found = [features(content, images, together=together) for together in (TOGETHER, 1)]
    agreement = compare(np.concatenate([expected, expected]), np.concatenate(found))
    scale = max(1.0, float(np.abs(expected).max()))
    close = agreement.largest_difference < LARGEST_DIFFERENCE * scale
    if not (close and agreement.least_cosine > LEAST_COSINE):
        raise PreconditionError(
            f"the ONNX file is not the torch network: {agreement}; install the pinned packages, and use "
            "trained weights: those of chance may amplify rounding"
        )
    return agreement


def features(content: bytes, images: ByteArray, *, together: int = TOGETHER) -> Float32Array:
    """What an ONNX file makes of images (n, size, size, 3), so many at a time: (n, dimension)."""
    options = onnxruntime.SessionOptions()
    # 3: errors only, as it warns of harmless graph details
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    batches = (images[i : i + together] for i in range(0, len(images), together))
    return np.concatenate([session.run(None, {"pixels": batch})[0] for batch in batches])


def probes(size: int) -> ByteArray:
    """Images (6, size, size, 3): noise, a gradient in each channel, stripes, black, white."""
    rng = np.random.default_rng(0)
    ramp = np.linspace(0, 255, size).astype(np.uint8)
    across, down = np.broadcast_to(ramp, (size, size)), np.broadcast_to(ramp[:, None], (size, size))
    gradient = np.stack([across, down, 255 - across], axis=2)
    stripes = (gradient * (down // 16 % 2)[:, :, None]).astype(np.uint8)
    noise = rng.integers(0, 256, (2, size, size, 3), dtype=np.uint8)
    flat = [np.full((size, size, 3), shade, dtype=np.uint8) for shade in (0, 255)]
    return np.stack([*noise, gradient, stripes, *flat])


def compare(expected: Float32Array, found: Float32Array) -> Agreement:
    """How far two sets of features, (n, dimension) each, are apart."""
    norms = np.linalg.norm(expected, axis=1) * np.linalg.norm(found, axis=1)
    cosine = (expected * found).sum(axis=1) / norms
    return Agreement(float(np.abs(expected - found).max()), float(cosine.min()))
