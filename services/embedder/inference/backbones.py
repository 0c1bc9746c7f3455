"""Pixels to unit vectors by a frozen backbone, whose file is known by its SHA-256.

On disk a backbone is `<models>/<model_id>/<version>/model.onnx` with a `manifest.json` beside it. The
graph takes uint8 (n, size, size, 3) and normalises it itself, so nothing outside can do that differently.
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
from spotted.arrays import Float32Array
from spotted.errors import NotFoundError, PreconditionError

MODEL_FILE = "model.onnx"
MANIFEST_FILE = "manifest.json"
REMEDY = "export it with `make models`"


@dataclass(frozen=True, slots=True)
class Manifest:
    """What is known of an exported backbone. A file from elsewhere may leave out the fields with defaults.

    input_size: edge of the square input, pixels; dimension: elements of a vector.
    mean, std: by channel, what the graph subtracts from 0..255 pixels and divides them by, for readers only.
    resize_kernel: bilinear, bicubic or lanczos, antialiased as Pillow's; opencv-linear, not antialiased.
    colour_order: what the pixels must be like; aspect: stretch, the box fills the square.
    opset: version of the ONNX operators; sha256: of the model file, hexadecimal.
    licence: SPDX id of the weights' licence; source: where they came from.
    weights_sha256: of the file they were read from, hexadecimal; empty: not known.
    precision: fp32, fp16 or int8.
    largest_difference, least_cosine: how far features were from torch's, or those of fp16 and int8 from
    fp32's, on the images of the export's check; None: not measured.
    """

    model_id: str
    version: int
    input_size: int
    dimension: int
    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    resize_kernel: Kernel
    colour_order: str
    opset: int
    sha256: str
    licence: str
    source: str
    aspect: Aspect = "stretch"
    weights_sha256: str = ""
    precision: str = "fp32"
    largest_difference: float | None = None
    least_cosine: float | None = None

    def to_json(self) -> str:
        """The text of a manifest file."""
        return json.dumps(asdict(self), indent=2) + "\n"

    @classmethod
    def from_json(cls, text: str) -> Manifest:
        """The manifest in a file's text. Raises ValueError, KeyError or TypeError where it holds another."""
        fields = json.loads(text)
        return cls(**{**fields, "mean": tuple(fields["mean"]), "std": tuple(fields["std"])})


class Backbone:
    """A loaded backbone; `embed` may be called from several threads at once.

    preprocessing: what its manifest asks for; max_batch: images in one run.
    """

    def __init__(self, manifest: Manifest, session: onnxruntime.InferenceSession, device: str) -> None:
        self.manifest = manifest
        self.device = device
        self.preprocessing = preprocessing(manifest)
        self.max_batch = devices.max_batch(device, manifest.input_size)
        self._session = session
        self._lanes: SimpleQueue[devices.Lane] = SimpleQueue()

    @property
    def digest(self) -> str:
        """SHA-256 (hex) of the model file, the backbone's part of an embedding's spec."""
        return self.manifest.sha256

    def embed(self, images: Sequence[ByteArray]) -> list[Float32Array | PreconditionError]:
        """Unit vectors, (dimension,) each, of images (size, size, 3) uint8 RGB.

        An image whose vector is not finite or has no direction gets an error in its place, so that it
        does not spoil those it shares a batch with.
        """
        if not images:
            return []
        runs = [self._run(images[i : i + self.max_batch]) for i in range(0, len(images), self.max_batch)]
        features = np.concatenate(runs)
        lengths = np.linalg.norm(features, axis=1, keepdims=True)
        sound = (np.isfinite(lengths) & (lengths > 0))[:, 0]
        # the others become NaN, and are replaced below
        vectors = np.divide(features, lengths, out=np.full_like(features, np.nan), where=sound[:, None])
        return [row if whole else self._unsound() for row, whole in zip(vectors, sound, strict=True)]

    def warm_up(self) -> None:
        """Run batches of doubling size, so that no caller waits for memory or plans to be laid out."""
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
            # as many as ever ran at once
            lane = devices.Lane(self._session, self.max_batch, self.manifest.input_size)
        try:
            return lane.run(images)
        finally:
            self._lanes.put(lane)

    def _unsound(self) -> PreconditionError:
        return PreconditionError(
            f"backbone {self.manifest.model_id!r} on {self.device} made no finite vector of this image; "
            f"if others fail too, its file or the device is faulty: {REMEDY}, or use another device"
        )


def load_backbone(
    models: Path, model_id: str, *, version: int | None = None, device: str = "cpu", threads: int = 1
) -> Backbone:
    """Load a backbone from a directory of models after its file is verified.

    version: None takes the newest. device: cpu, cuda or tensorrt; nothing falls back to another device.
    threads: of one run on the CPU.
    Raises NotFoundError where the model is missing, PreconditionError where its file is not the one its
    manifest describes, or the device is not there.
    """
    directory = _version_directory(models, model_id, version)
    manifest = read_manifest(directory)
    path = directory / MODEL_FILE
    if not verified(directory, manifest):
        raise PreconditionError(
            f"{path} is missing or is not the file that {MANIFEST_FILE} describes "
            f"(SHA-256 {manifest.sha256}); {REMEDY}"
        )
    session = devices.open_session(path, device, threads=threads, input_size=manifest.input_size)
    return Backbone(manifest, session, device)


def preprocessing(manifest: Manifest) -> Preprocessing:
    """How images are prepared for a backbone; what is left out is filled with its mean colour (ours)."""
    red, green, blue = (round(mean) for mean in manifest.mean)
    return Preprocessing(
        size=manifest.input_size,
        # Preprocessing refuses what it does not know
        kernel=manifest.resize_kernel,
        aspect=manifest.aspect,
        fill=(red, green, blue),
    )


def read_manifest(directory: Path) -> Manifest:
    """The manifest of one version of a backbone.

    Raises NotFoundError where there is none, PreconditionError where it cannot be read.
    """
    path = directory / MANIFEST_FILE
    try:
        return Manifest.from_json(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise NotFoundError(f"no backbone at {directory}; {REMEDY}") from error
    except (ValueError, KeyError, TypeError) as error:
        raise PreconditionError(f"{path} is no manifest of this version ({error}); {REMEDY}") from error


def verified(directory: Path, manifest: Manifest) -> bool:
    """True where the model file is the one that its manifest describes."""
    path = directory / MODEL_FILE
    if not path.is_file():
        return False
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest() == manifest.sha256


def _version_directory(models: Path, model_id: str, version: int | None) -> Path:
    if version is not None:
        return models / model_id / str(version)
    found = [p for p in (models / model_id).glob("*") if p.name.isdigit() and p.is_dir()]
    if not found:
        raise NotFoundError(f"no backbone {model_id!r} under {models}; {REMEDY}")
    return max(found, key=lambda directory: int(directory.name))
