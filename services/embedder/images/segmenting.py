"""An optional network that masks the animal in a box.

On disk a segmenter is a directory with `model.onnx` and a `manifest.json` of the kind "segmenter". The
graph takes uint8 (n, s, s, 3) RGB and returns (n, s, s) logits or probabilities. Its input is the photograph
as taken, before any tone map, like the images that it was trained on, with a margin around the box.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import onnxruntime
from PIL import Image

from services.common.telemetry import metrics
from services.embedder.images.decoding import ByteArray
from services.embedder.images.masks import BoolArray
from services.embedder.images.resizing import resize
from spotted.arrays import Float32Array
from spotted.errors import NotFoundError, PreconditionError

MODEL_FILE = "model.onnx"
MANIFEST_FILE = "manifest.json"
KIND = "segmenter"
# log level of onnxruntime: errors only
_ERRORS_ONLY = 3


@dataclass(frozen=True, slots=True)
class SegmenterManifest:
    """Description of a segmenter."""

    model_id: str
    """Name of the segmenter."""
    version: int
    """Version of the model file."""
    input_size: int
    """Edge of the square input, pixels."""
    output: Literal["logits", "probabilities"]
    """Scores that the graph returns."""
    threshold: float
    """Least probability of a pixel that shows the animal."""
    margin: float
    """Share of the width and height of the box that is added on each side."""
    sha256: str
    """SHA-256 (hex) of the model file."""
    licence: str
    """SPDX id of the licence of the weights."""
    source: str
    """Origin of the weights."""
    kind: str = KIND
    """Always "segmenter"."""

    def __post_init__(self) -> None:
        if self.kind != KIND:
            raise ValueError(f"kind is {self.kind!r}, not {KIND!r}")
        if self.output not in {"logits", "probabilities"}:
            raise ValueError(f"output is {self.output!r}, not logits or probabilities")
        if not (self.input_size > 0 and 0 < self.threshold < 1 and self.margin >= 0):
            raise ValueError("input_size must be above 0, threshold between 0 and 1, margin at least 0")

    @property
    def digest(self) -> str:
        """SHA-256 (hex) of everything that affects the masks; part of `Preprocessing.digest`."""
        parts = {
            "input_size": self.input_size,
            "margin": float(self.margin),
            "output": self.output,
            "resize": "Pillow bilinear, antialiased, stretched; there and back",
            "sha256": self.sha256,
            "threshold": float(self.threshold),
            "version": 1,
        }
        return hashlib.sha256(json.dumps(parts, sort_keys=True, separators=(",", ":")).encode()).hexdigest()

    def to_json(self) -> str:
        """The text of a manifest file."""
        return json.dumps(asdict(self), indent=2) + "\n"


class Segmenter:
    """A loaded segmenter; `mask` may be called from several threads at once.

    Another process that it is sent to loads it again from its directory.
    """

    def __init__(
        self, manifest: SegmenterManifest, session: onnxruntime.InferenceSession, directory: Path
    ) -> None:
        self.manifest = manifest
        self._directory = directory
        self._session = session
        self._input = session.get_inputs()[0].name
        odds = manifest.threshold / (1 - manifest.threshold)
        self._least = math.log(odds) if manifest.output == "logits" else manifest.threshold

    def __reduce__(self) -> tuple[Callable[[Path], Segmenter], tuple[Path]]:
        return load_segmenter, (self._directory.absolute(),)

    @property
    def digest(self) -> str:
        """SHA-256 (hex) of everything that affects the masks."""
        return self.manifest.digest

    @metrics.EMBED_SEGMENT_SECONDS.time()
    def mask(self, image: ByteArray, rows: slice, columns: slice) -> BoolArray:
        """The mask, True on the animal, of a window of rows and columns of an upright (H, W, 3) image.

        Raises PreconditionError if the graph returns another shape or a number that is not finite.
        """
        height, width = image.shape[:2]
        wide_rows = _widened(rows, self.manifest.margin, height)
        wide_columns = _widened(columns, self.manifest.margin, width)
        region = image[wide_rows, wide_columns]
        scores = Image.fromarray(self._scores(region)).resize(
            (region.shape[1], region.shape[0]), Image.Resampling.BILINEAR
        )
        top, left = rows.start - wide_rows.start, columns.start - wide_columns.start
        animal: BoolArray = np.asarray(scores) >= self._least
        return animal[top : top + rows.stop - rows.start, left : left + columns.stop - columns.start]

    def _scores(self, region: ByteArray) -> Float32Array:
        size = self.manifest.input_size
        (scores,) = self._session.run(None, {self._input: resize(region, size)[None]})
        if scores.shape != (1, size, size) or not np.isfinite(scores).all():
            raise PreconditionError(
                f"segmenter {self.manifest.model_id!r} returned scores of shape {scores.shape}; finite "
                f"scores of shape (1, {size}, {size}) are required; export it again to match its manifest"
            )
        found: Float32Array = scores[0].astype(np.float32)
        return found


def load_segmenter(directory: Path, *, threads: int = 1) -> Segmenter:
    """Verify and load the segmenter in a directory; it runs on the CPU with `threads` threads.

    Raises NotFoundError if a file is missing, PreconditionError if the manifest is invalid or does not match
    the model file.
    """
    try:
        content = (directory / MODEL_FILE).read_bytes()
        manifest = SegmenterManifest(**json.loads((directory / MANIFEST_FILE).read_text("utf-8")))
    except FileNotFoundError as error:
        raise NotFoundError(
            f"no segmenter in {directory}: {error.filename} is missing; copy {MODEL_FILE} and "
            f"{MANIFEST_FILE} there"
        ) from error
    except (ValueError, TypeError) as error:
        raise PreconditionError(
            f"{directory / MANIFEST_FILE} is not a manifest of a segmenter ({error}); correct it"
        ) from error
    if hashlib.sha256(content).hexdigest() != manifest.sha256:
        raise PreconditionError(
            f"{directory / MODEL_FILE} does not match {MANIFEST_FILE} "
            f"(SHA-256 {manifest.sha256}); download it again"
        )
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = _ERRORS_ONLY
    session = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    return Segmenter(manifest, session, directory)


def _widened(window: slice, margin: float, length: int) -> slice:
    more = math.ceil((window.stop - window.start) * margin)
    return slice(max(window.start - more, 0), min(window.stop + more, length))
