"""Build time only: export a backbone's published weights to ONNX, checked against torch.

    python -m services.embedder.export efficientnet-lite0 --output models

Only it and its parts, `architectures`, `checkpoints`, `tracing` and `variants`, import torch for backbones.
The same packages and weights give the same file, byte for byte.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import sys
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path

from services.embedder.export import checkpoints
from services.embedder.export.architectures import ARCHITECTURES, Architecture, architecture_of, build
from services.embedder.export.checkpoints import Weights
from services.embedder.export.onnx_export import OPSET, Agreement, check_parity, trace
from services.embedder.export.variants import PRECISIONS, Precision, convert, read_photographs, variant_id
from services.embedder.images.decoding import ByteArray
from services.embedder.inference.backbones import (
    MANIFEST_FILE,
    MODEL_FILE,
    Manifest,
    preprocessing,
    read_manifest,
    verified,
)
from spotted.errors import AlreadyExistsError, InvalidInputError, SpottedError


@dataclass(frozen=True, slots=True)
class Exported:
    """A backbone on disk. fresh: False where a verified file was there already."""

    directory: Path
    manifest: Manifest
    fresh: bool

    def __str__(self) -> str:
        did = "exported" if self.fresh else "verified"
        return f"{did} {self.directory / MODEL_FILE} (SHA-256 {self.manifest.sha256[:12]})"


def export(
    model_id: str,
    models: Path,
    *,
    weights: Weights | None = None,
    precision: Precision = "fp32",
    calibration: Path | None = None,
    version: int = 1,
) -> Exported:
    """Write a backbone and its manifest under a directory of models, unless they are there, verified.

    weights: None takes the published ones. calibration: a directory of photographs, for int8.
    Raises InvalidInputError where the backbone is unknown or the weights do not fit it, PreconditionError
    where the file and torch disagree or a package is missing, AlreadyExistsError where this version was
    exported from other weights, and what `checkpoints` raises for weights that cannot be had.
    """
    architecture = architecture_of(model_id)
    weights = weights or published(architecture)
    described = describe(architecture, weights, precision=precision, version=version)
    if calibration and precision == "fp32":
        raise InvalidInputError(
            "fp32 is not calibrated; leave the photographs away, or ask for int8", field="calibration"
        )
    photographs = read_photographs(calibration, preprocessing(described)) if calibration else None
    if photographs is not None:
        described = replace(described, source=f"{described.source}; {_checked_on(photographs)}")
    directory = models / described.model_id / str(version)
    known = present(directory, described)
    if known:
        return Exported(directory, known, fresh=False)
    content, agreement = converted(architecture, weights, precision, photographs)
    manifest = replace(
        described,
        sha256=hashlib.sha256(content).hexdigest(),
        largest_difference=agreement.largest_difference,
        least_cosine=agreement.least_cosine,
    )
    directory.mkdir(parents=True, exist_ok=True)
    # the manifest comes last: until then the directory holds no backbone
    write(directory / MODEL_FILE, content)
    write(directory / MANIFEST_FILE, manifest.to_json().encode())
    return Exported(directory, manifest, fresh=True)


def published(architecture: Architecture) -> Weights:
    """The weights of a backbone as their makers publish them: from a package, or from a model hub."""
    hub_id = architecture.hub_id
    return checkpoints.from_package() if hub_id is None else checkpoints.from_hub(hub_id)


def describe(
    architecture: Architecture, weights: Weights, *, precision: Precision = "fp32", version: int = 1
) -> Manifest:
    """The manifest of an export to be, its SHA-256 still empty and nothing measured."""
    return Manifest(
        model_id=variant_id(architecture.model_id, precision),
        version=version,
        input_size=architecture.input_size,
        dimension=architecture.dimension,
        mean=architecture.mean,
        std=architecture.std,
        resize_kernel=architecture.resize_kernel,
        colour_order="RGB",
        opset=OPSET,
        sha256="",
        licence=architecture.licence,
        source=weights.source,
        weights_sha256=weights.sha256,
        precision=precision,
    )


def present(directory: Path, described: Manifest) -> Manifest | None:
    """The manifest on disk where it says the same and its file is whole, else None.

    Raises AlreadyExistsError where it is whole and was made of other weights: vectors may depend on it.
    """
    try:
        manifest = read_manifest(directory)
    except SpottedError:
        # absent or of another version: it is written anew
        return None
    if not verified(directory, manifest):
        return None
    if manifest.weights_sha256 not in {"", described.weights_sha256}:
        raise AlreadyExistsError(
            f"{directory} was exported from other weights ({manifest.source}); "
            f"export these as --version {described.version + 1}, or remove the directory"
        )
    same = replace(manifest, sha256="", largest_difference=None, least_cosine=None) == described
    return manifest if same else None


def converted(
    architecture: Architecture, weights: Weights, precision: Precision, photographs: ByteArray | None
) -> tuple[bytes, Agreement]:
    """The content of a backbone's ONNX file, and how well it agrees with torch, or a variant with fp32."""
    network = build(architecture)
    checkpoints.load(network.network, weights)
    content = trace(network, architecture.input_size)
    agreement = check_parity(network, content, architecture.input_size)
    return (
        (content, agreement)
        if precision == "fp32"
        else convert(content, architecture, precision, photographs)
    )


def write(path: Path, content: bytes) -> None:
    """Write a file whole or not at all."""
    with tempfile.NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}.", delete=False) as stream:
        stream.write(content)
        os.fchmod(stream.fileno(), 0o644)
    Path(stream.name).replace(path)


def main() -> None:
    """Export the backbone named on the command line and say in one line what was done."""
    arguments = _parser().parse_args()
    try:
        weights = checkpoints.from_file(arguments.weights) if arguments.weights else None
        if arguments.hub:
            weights = checkpoints.from_hub(arguments.hub)
        done = export(
            arguments.model_id,
            arguments.output,
            weights=weights,
            precision=arguments.precision,
            calibration=arguments.calibration,
            version=arguments.version,
        )
    except SpottedError as error:
        sys.exit(f"{error.reason}: {error}")
    sys.stdout.write(f"{done}\n")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m services.embedder.export", description=__doc__)
    parser.add_argument("model_id", choices=ARCHITECTURES)
    parser.add_argument("-o", "--output", type=Path, default=Path("models"), help="directory of models")
    origin = parser.add_mutually_exclusive_group()
    origin.add_argument("--weights", type=Path, help="a downloaded checkpoint, safetensors or torch")
    origin.add_argument("--hub", metavar="ID", help="a model repository, owner/name or owner/name@revision")
    parser.add_argument("--precision", choices=PRECISIONS, default="fp32")
    parser.add_argument(
        "--calibration", type=Path, metavar="DIR", help="photographs like those of the survey"
    )
    parser.add_argument("--version", type=int, default=1, help="of the backbone in the directory of models")
    return parser


def _checked_on(photographs: ByteArray) -> str:
    digest = hashlib.sha256(photographs.tobytes()).hexdigest()
    return f"calibrated and checked on {len(photographs)} photographs (SHA-256 {digest[:12]})"


if __name__ == "__main__":
    main()
