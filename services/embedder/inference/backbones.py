"""Pixels to unit vectors by a frozen backbone, which is identified by the SHA-256 of its file.

On disk a backbone is `<models>/<model_id>/<version>/model.onnx` with a `manifest.json` beside it, and
`cells.npz` if its vectors can be shared out among the cells of an image (`cell_maps`). The graph takes uint8
(n, size, size, 3) and normalises it itself, so that no caller can normalise differently.

Sources and choices: docs/research/provenance.md.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from queue import Empty, SimpleQueue

import numpy as np
import onnxruntime

from services.embedder.images.decoding import ByteArray
from services.embedder.images.preprocessing import Preprocessing
from services.embedder.images.resizing import Aspect, Kernel
from services.embedder.inference import devices
from services.embedder.inference.cell_maps import CELLS_FILE, CellMap
from spotted.arrays import Float32Array
from spotted.errors import NotFoundError, PreconditionError

MODEL_FILE = "model.onnx"
MANIFEST_FILE = "manifest.json"
REMEDY = "export it with `spotted export-backbone`"


@dataclass(frozen=True, slots=True)
class Manifest:
    """Description of an exported backbone. Files from elsewhere may omit the fields with defaults."""

    model_id: str
    """Name of the backbone."""
    version: int
    """Version of the exported file."""
    input_size: int
    """Edge of the square input, pixels."""
    dimension: int
    """Elements of a vector."""
    mean: tuple[float, float, float]
    """By channel, subtracted from 0..255 pixels inside the graph; fills the area outside a mask."""
    std: tuple[float, float, float]
    """By channel, divisor of the centred pixels inside the graph; for information."""
    resize_kernel: Kernel
    """bilinear, bicubic or lanczos, antialiased as in Pillow; opencv-linear, not antialiased."""
    colour_order: str
    """Order of the channels of the input."""
    opset: int
    """Version of the ONNX operators."""
    sha256: str
    """SHA-256 (hex) of the model file."""
    licence: str
    """SPDX id of the licence of the weights."""
    source: str
    """Origin of the weights."""
    aspect: Aspect = "stretch"
    """stretch: the box fills the square; pad: it keeps its proportions."""
    weights_sha256: str = ""
    """SHA-256 (hex) of the file of the weights; empty: not known."""
    precision: str = "fp32"
    """fp32, fp16 or int8."""
    largest_difference: float | None = None
    """Largest difference of a feature from torch, or of fp16 and int8 from fp32; None: not measured."""
    least_cosine: float | None = None
    """Least cosine between these features, on the images of the export check; None: not measured."""
    has_cells: bool | None = None
    """Whether the vectors follow from the cells of an image (`cell_maps`); None: not known."""

    def to_json(self) -> str:
        """The text of a manifest file."""
        return json.dumps(asdict(self), indent=2) + "\n"

    @classmethod
    def from_json(cls, text: str) -> Manifest:
        """Parse the text of a manifest file. Raises ValueError, KeyError or TypeError if it is invalid."""
        fields = json.loads(text)
        return cls(**{**fields, "mean": tuple(fields["mean"]), "std": tuple(fields["std"])})


class Backbone:
    """A loaded backbone; `embed` may be called from several threads at once.

    preprocessing: the default of its manifest; max_batch: most images in one run.
    """

    def __init__(
        self,
        manifest: Manifest,
        session: onnxruntime.InferenceSession,
        device: str,
        cell_map: CellMap | None = None,
    ) -> None:
        """Begin. cell_map: its tensor is an output of the session; None: vectors cannot be shared out."""
        self.manifest = manifest
        self.cell_map = cell_map
        self.device = device
        self.preprocessing = preprocessing(manifest)
        self.max_batch = devices.max_batch(device, manifest.input_size)
        self._session = session
        self._lanes: SimpleQueue[devices.Lane] = SimpleQueue()

    @property
    def digest(self) -> str:
        """SHA-256 (hex) of the model file, which identifies the backbone in the spec of an embedding."""
        return self.manifest.sha256

    def embed(self, images: Sequence[ByteArray]) -> list[Float32Array | PreconditionError]:
        """Unit vectors, (dimension,) each, of images (size, size, 3) uint8 RGB.

        An image whose vector is zero or not finite gets an error instead, so that the other images of its
        batch are not affected.
        """
        if not images:
            return []
        runs = [self._run(images[i : i + self.max_batch]) for i in range(0, len(images), self.max_batch)]
        features = np.concatenate(runs)
        lengths = np.linalg.norm(features, axis=1, keepdims=True)
        sound = (np.isfinite(lengths) & (lengths > 0))[:, 0]
        # the others become NaN and are replaced by errors below
        vectors = np.divide(features, lengths, out=np.full_like(features, np.nan), where=sound[:, None])
        return [row if whole else self._unsound() for row, whole in zip(vectors, sound, strict=True)]

    def require_cells(self) -> CellMap:
        """How vectors follow from cells. Raises PreconditionError, with the remedy, if it is not known."""
        if self.cell_map is None:
            raise PreconditionError(
                f"backbone {self.manifest.model_id!r} comes without {CELLS_FILE}, so nothing says which "
                "parts of a photograph make its vector; export it again with `spotted export-backbone` in "
                "fp32, or use another backbone if it averages no feature map"
            )
        return self.cell_map

    def cells(self, image: ByteArray) -> Float32Array:
        """The part (rows, columns, dimension) of each cell of an image in its vector, before it has length 1.

        Raises PreconditionError as `require_cells`, and if the vector is zero or not finite.
        """
        cell_map = self.require_cells()
        (tensor,) = self._session.run([cell_map.tensor], {devices.INPUT: image[None]})
        parts = cell_map.parts(tensor[0])
        length = np.linalg.norm(parts.sum(axis=(0, 1)))
        if not (np.isfinite(length) and length > 0):
            raise self._unsound()
        return parts

    def warm_up(self) -> None:
        """Run batches of doubling size, so that no caller waits for memory allocation or planning."""
        size = self.manifest.input_size
        blank = np.zeros((size, size, 3), dtype=np.uint8)
        batch = 1
        while batch < self.max_batch:
            self._run([blank] * batch)
            batch *= 2
        self._run([blank] * self.max_batch)

    def _run(self, images: Sequence[ByteArray]) -> Float32Array:
        try:
            lane = self._lanes.get_nowait()
        except Empty:
            # there are as many lanes as ever ran at once
            lane = devices.Lane(self._session, self.max_batch, self.manifest.input_size)
        try:
            return lane.run(images)
        finally:
            self._lanes.put(lane)

    def _unsound(self) -> PreconditionError:
        return PreconditionError(
            f"backbone {self.manifest.model_id!r} on {self.device} returned no finite vector for this image; "
            f"if other images fail too, its file or the device is faulty: {REMEDY}, or use another device"
        )


def load_backbone(
    models: Path, model_id: str, *, version: int | None = None, device: str = "cpu", threads: int = 1
) -> Backbone:
    """Verify and load a backbone from a directory of models.

    version: None: the newest. device: cpu, cuda or tensorrt; no other device is used instead.
    threads: number of threads of one run on the CPU.
    Raises NotFoundError if the model is missing, PreconditionError if its file does not match its manifest
    or the device is not available.
    """
    directory = _version_directory(models, model_id, version)
    manifest = read_manifest(directory)
    path = directory / MODEL_FILE
    if not is_intact(directory, manifest):
        raise PreconditionError(
            f"{path} is missing or does not match {MANIFEST_FILE} (SHA-256 {manifest.sha256}); {REMEDY}"
        )
    cell_map = _cell_map(directory, manifest)
    further = cell_map.tensor if cell_map else ""
    session = devices.open_session(
        path, device, threads=threads, input_size=manifest.input_size, further_output=further
    )
    return Backbone(manifest, session, device, cell_map)


def preprocessing(manifest: Manifest) -> Preprocessing:
    """The default preprocessing of a backbone; masked areas are filled with its mean colour."""
    red, green, blue = (round(mean) for mean in manifest.mean)
    return Preprocessing(
        size=manifest.input_size,
        # an unknown kernel or aspect is refused by Preprocessing
        kernel=manifest.resize_kernel,
        aspect=manifest.aspect,
        fill=(red, green, blue),
    )


def read_manifest(directory: Path) -> Manifest:
    """Read the manifest of one version of a backbone.

    Raises NotFoundError if it is missing, PreconditionError if it is invalid.
    """
    path = directory / MANIFEST_FILE
    try:
        return Manifest.from_json(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise NotFoundError(f"no backbone at {directory}; {REMEDY}") from error
    except (ValueError, KeyError, TypeError) as error:
        raise PreconditionError(f"{path} is not a manifest of this version ({error}); {REMEDY}") from error


def is_intact(directory: Path, manifest: Manifest) -> bool:
    """Whether the model file matches the SHA-256 of its manifest."""
    path = directory / MODEL_FILE
    if not path.is_file():
        return False
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest() == manifest.sha256


def _cell_map(directory: Path, manifest: Manifest) -> CellMap | None:
    try:
        content = (directory / CELLS_FILE).read_bytes()
    except FileNotFoundError:
        return None
    return CellMap.from_bytes(content, manifest.sha256)


def _version_directory(models: Path, model_id: str, version: int | None) -> Path:
    if version is not None:
        return models / model_id / str(version)
    found = [p for p in (models / model_id).glob("*") if p.name.isdigit() and p.is_dir()]
    if not found:
        raise NotFoundError(f"no backbone {model_id!r} under {models}; {REMEDY}")
    return max(found, key=lambda directory: int(directory.name))
