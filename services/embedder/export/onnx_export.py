"""A torch network as the content of an ONNX file, and the check that both return the same features.

The same packages and weights produce the same content, byte for byte.
"""

from __future__ import annotations

import logging
import warnings
from collections.abc import Mapping, Sequence
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
# share of the largest feature, or of 1 if all are smaller
LARGEST_DIFFERENCE = 1e-4
LEAST_COSINE = 0.99999
# images in a batch: feature maps of this many large images fit the memory of a small machine
TOGETHER = 3


@dataclass(frozen=True, slots=True)
class Agreement:
    """Agreement of two sets of features."""

    largest_difference: float
    """Largest absolute difference of an element."""
    least_cosine: float
    """Least cosine of two corresponding rows."""

    def __str__(self) -> str:
        difference, cosine = self.largest_difference, self.least_cosine
        return f"features differ by up to {difference:.2g} and cosine falls to {cosine:.7f}"


def trace(network: PixelFeatures, size: int) -> bytes:
    """The network as the content of an ONNX file for images of edge `size`, with a free batch size."""
    example = (torch.zeros(2, size, size, 3, dtype=torch.uint8),)
    free = {"pixels": {0: torch.export.Dim("n")}}
    return to_onnx(network, example, inputs=["pixels"], outputs=["features"], free=free)


def to_onnx(
    network: torch.nn.Module,
    example: tuple[torch.Tensor, ...],
    *,
    inputs: Sequence[str],
    outputs: Sequence[str],
    free: Mapping[str, Mapping[int, object]],
) -> bytes:
    """Any network as the content of an ONNX file. free: the free sizes of inputs; others are of `example`."""
    # it logs every torchvision operator that is not available
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)
    with warnings.catch_warnings(), torch.no_grad():
        # torch warns about its own use of a class that it deprecated
        warnings.filterwarnings("ignore", message=".isinstance.treespec, LeafSpec", category=FutureWarning)
        # and that the two inputs of one detection have the same number of points
        warnings.filterwarnings("ignore", message=".*axis name: . will not be used", category=UserWarning)
        program = torch.onnx.export(
            network,
            example,
            input_names=list(inputs),
            output_names=list(outputs),
            opset_version=OPSET,
            dynamic_shapes={name: dict(free.get(name, {})) for name in inputs},
            dynamo=True,
            verbose=False,
        )
    model = program.model_proto  # type: ignore[union-attr] # None only if a file is given
    return serialise(model)


def serialise(model: onnx.ModelProto) -> bytes:
    """The content of the file of a checked model, without paths and line numbers of this machine."""
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
    # the quantiser adds every domain that onnxruntime knows
    for entry in [entry for entry in model.opset_import if entry.domain not in used]:
        model.opset_import.remove(entry)
    onnx.checker.check_model(model)
    content: bytes = model.SerializeToString(deterministic=True)
    return content


def check_parity(network: PixelFeatures, content: bytes, size: int) -> Agreement:
    """Agreement of the ONNX file and torch on noise, gradients and flat images of edge `size`.

    Raises PreconditionError if they disagree.
    """
    images = probes(size)
    with torch.no_grad():
        batches = [network(torch.from_numpy(batch)).numpy() for batch in np.split(images, TOGETHER)]
    expected = np.concatenate(batches)
    # in batches and one by one: the batch size must not matter
    found = [features(content, images, together=together) for together in (TOGETHER, 1)]
    agreement = compare(np.concatenate([expected, expected]), np.concatenate(found))
    scale = max(1.0, float(np.abs(expected).max()))
    close = agreement.largest_difference < LARGEST_DIFFERENCE * scale
    if not (close and agreement.least_cosine > LEAST_COSINE):
        raise PreconditionError(
            f"the ONNX file differs from the torch network: {agreement}; install the pinned packages, and "
            "use trained weights, as random ones may amplify rounding"
        )
    return agreement


def features(content: bytes, images: ByteArray, *, together: int = TOGETHER) -> Float32Array:
    """Features (n, dimension) of images (n, size, size, 3) by an ONNX file, in batches of `together`."""
    options = onnxruntime.SessionOptions()
    # 3: errors only, as it warns about harmless graph details
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
    """Agreement of two sets of features, (n, dimension) each."""
    norms = np.linalg.norm(expected, axis=1) * np.linalg.norm(found, axis=1)
    cosine = (expected * found).sum(axis=1) / norms
    return Agreement(float(np.abs(expected - found).max()), float(cosine.min()))
