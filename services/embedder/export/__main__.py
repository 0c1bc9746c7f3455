"""Export a backbone to ONNX, checked against torch: published weights, or a training of the user's own.

    python -m services.embedder.export efficientnet-lite0 --output models

The same packages and weights produce the same file, byte for byte.
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
from services.embedder.export.architectures import (
    ARCHITECTURES,
    POOLINGS,
    Architecture,
    PixelFeatures,
    Pooling,
    architecture_of,
    build,
    pooled,
    resized,
)
from services.embedder.export.cell_search import find_cells
from services.embedder.export.checkpoints import Weights
from services.embedder.export.onnx_export import OPSET, Agreement, check_parity, trace
from services.embedder.export.runs import from_run
from services.embedder.export.variants import PRECISIONS, Precision, convert, read_photographs, variant_id
from services.embedder.images.decoding import ByteArray
from services.embedder.inference.backbones import (
    MANIFEST_FILE,
    MODEL_FILE,
    Manifest,
    is_intact,
    preprocessing,
    read_manifest,
)
from services.embedder.inference.cell_maps import CELLS_FILE
from spotted.errors import AlreadyExistsError, InvalidInputError, SpottedError
from spotted.training.runs import is_run


@dataclass(frozen=True, slots=True)
class Exported:
    """A backbone on disk."""

    directory: Path
    manifest: Manifest
    fresh: bool
    """Whether the file was written; False: a verified file already existed."""

    def __str__(self) -> str:
        action = "exported" if self.fresh else "verified"
        return f"{action} {self.directory / MODEL_FILE} (SHA-256 {self.manifest.sha256[:12]})"


def export(
    model_id: str,
    models: Path,
    *,
    weights: Weights | None = None,
    precision: Precision = "fp32",
    calibration: Path | None = None,
    version: int = 1,
    image_size: int | None = None,
    pooling: Pooling = "mean",
) -> Exported:
    """Write a backbone and its manifest to a directory of models, unless a verified export exists.

    model_id: name of a published backbone, or the folder of a finished training.
    weights: None: the published ones, or those of the training.
    calibration: a directory of photographs, for int8.
    image_size: edge of the images, pixels; None: that of the network.
    pooling: of EfficientNet-Lite.
    Raises InvalidInputError if the backbone is unknown or the weights do not fit it, PreconditionError if
    the file and torch disagree or a package is missing, AlreadyExistsError if this version was exported from
    other weights, and the errors of `checkpoints` if the weights cannot be loaded.
    """
    architecture, weights = choose(model_id, weights)
    architecture = pooled(architecture, pooling)
    if image_size is not None:
        architecture = resized(architecture, image_size)
    described = describe(architecture, weights, precision=precision, version=version)
    if calibration and precision == "fp32":
        raise InvalidInputError(
            "fp32 is not calibrated; omit --calibration, or use --precision int8", field="calibration"
        )
    photographs = read_photographs(calibration, preprocessing(described)) if calibration else None
    if photographs is not None:
        described = replace(described, source=f"{described.source}; {_checked_on(photographs)}")
    directory = models / described.model_id / str(version)
    known = existing_export(directory, described)
    if known:
        # the search takes as long as an export
        if precision == "fp32" and known.has_cells is not False and not (directory / CELLS_FILE).is_file():
            network = loaded(architecture, weights)
            known = replace(known, has_cells=_write_cells(directory, network, described.input_size))
            write(directory / MANIFEST_FILE, known.to_json().encode())
        return Exported(directory, known, fresh=False)
    network = loaded(architecture, weights)
    content, agreement = exported_content(network, architecture, precision, photographs)
    manifest = replace(
        described,
        sha256=hashlib.sha256(content).hexdigest(),
        largest_difference=agreement.largest_difference,
        least_cosine=agreement.least_cosine,
    )
    directory.mkdir(parents=True, exist_ok=True)
    # the manifest is written last: without it the directory holds no backbone
    write(directory / MODEL_FILE, content)
    if precision == "fp32":
        manifest = replace(manifest, has_cells=_write_cells(directory, network, described.input_size))
    write(directory / MANIFEST_FILE, manifest.to_json().encode())
    return Exported(directory, manifest, fresh=True)


def choose(model_id: str, weights: Weights | None) -> tuple[Architecture, Weights]:
    """The backbone of a name, or of the folder of a finished training, and its weights.

    Raises InvalidInputError if the name is unknown, or a training is given other weights.
    """
    if not is_run(Path(model_id)):
        architecture = architecture_of(model_id)
        return architecture, weights or published(architecture)
    if weights is not None:
        raise InvalidInputError(
            f"{model_id} is a finished training and has its weights; omit --weights and --hub",
            field="weights",
        )
    return from_run(Path(model_id))


def published(architecture: Architecture) -> Weights:
    """The published weights of a backbone, from a package or a model hub."""
    hub_id = architecture.hub_id
    return checkpoints.from_package() if hub_id is None else checkpoints.from_hub(hub_id)


def describe(
    architecture: Architecture, weights: Weights, *, precision: Precision = "fp32", version: int = 1
) -> Manifest:
    """The manifest of a planned export, without SHA-256 and measurements."""
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


def existing_export(directory: Path, described: Manifest) -> Manifest | None:
    """The manifest on disk if it matches the planned export and its file is intact, else None.

    Raises AlreadyExistsError for an intact export of other weights: stored vectors may depend on it.
    """
    try:
        manifest = read_manifest(directory)
    except SpottedError:
        # missing or of another format: it will be written again
        return None
    if not is_intact(directory, manifest):
        return None
    if manifest.weights_sha256 not in {"", described.weights_sha256}:
        raise AlreadyExistsError(
            f"{directory} was exported from other weights ({manifest.source}); "
            f"export these as --version {described.version + 1}, or remove the directory"
        )
    planned = replace(manifest, sha256="", largest_difference=None, least_cosine=None, has_cells=None)
    return manifest if planned == described else None


def loaded(architecture: Architecture, weights: Weights) -> PixelFeatures:
    """The network of a backbone with its weights."""
    network = build(architecture)
    checkpoints.load(network.network, weights)
    return network


def exported_content(
    network: PixelFeatures, architecture: Architecture, precision: Precision, photographs: ByteArray | None
) -> tuple[bytes, Agreement]:
    """The content of the ONNX file of a backbone, and its agreement with torch, or of a variant with fp32."""
    content = trace(network, architecture.input_size)
    agreement = check_parity(network, content, architecture.input_size)
    return (
        (content, agreement)
        if precision == "fp32"
        else convert(content, architecture, precision, photographs)
    )


def write(path: Path, content: bytes) -> None:
    """Write a file atomically."""
    with tempfile.NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}.", delete=False) as stream:
        stream.write(content)
        os.fchmod(stream.fileno(), 0o644)
    Path(stream.name).replace(path)


def _write_cells(directory: Path, network: PixelFeatures, size: int) -> bool:
    """Say beside a model file how its vectors follow from the cells of an image; returns whether they do."""
    cell_map = find_cells(network, (directory / MODEL_FILE).read_bytes(), size)
    if cell_map is None:
        (directory / CELLS_FILE).unlink(missing_ok=True)
    else:
        write(directory / CELLS_FILE, cell_map.to_bytes())
    return cell_map is not None


def main() -> None:
    """Export the backbone named on the command line and print one line with the result."""
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
            image_size=arguments.image_size,
            pooling=arguments.pooling,
        )
    except SpottedError as error:
        sys.exit(f"{error.reason}: {error}")
    sys.stdout.write(f"{done}\n")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m services.embedder.export", description=__doc__)
    parser.add_argument("model_id", help=f"{', '.join(ARCHITECTURES)}, or the folder of a finished training")
    parser.add_argument("-o", "--output", type=Path, default=Path("models"), help="Directory of the models")
    origin = parser.add_mutually_exclusive_group()
    origin.add_argument("--weights", type=Path, help="Downloaded checkpoint, safetensors or torch")
    origin.add_argument("--hub", metavar="ID", help="Model repository, owner/name or owner/name@revision")
    parser.add_argument("--precision", choices=PRECISIONS, default="fp32")
    parser.add_argument(
        "--calibration",
        type=Path,
        metavar="DIR",
        help="Directory of photographs like those of the survey, to calibrate int8",
    )
    parser.add_argument(
        "--image-size", type=int, metavar="PX", help="Edge of the images; default: that of the network"
    )
    parser.add_argument("--pooling", choices=POOLINGS, default=POOLINGS[0], help="Of efficientnet-lite0")
    parser.add_argument("--version", type=int, default=1, help="Version to export as")
    return parser


def _checked_on(photographs: ByteArray) -> str:
    digest = hashlib.sha256(photographs.tobytes()).hexdigest()
    return f"calibrated and checked on {len(photographs)} photographs (SHA-256 {digest[:12]})"


if __name__ == "__main__":
    main()
