"""Masks of the animal in a box, by an optional network.

On disk a segmenter is a directory with a `manifest.json`, and `model.onnx` or, if it is prompted with the
box, `encoder.onnx` and `decoder.onnx`. Its input is the photograph as taken, before any tone map, like
the images that it was trained on, with a margin around the box.
"""

from __future__ import annotations

import hashlib
import json
import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
import onnxruntime
from PIL import Image

from services.common.memory import resident_bytes
from services.embedder.images import prompted_network
from services.embedder.images.crop_network import CropNetwork, SegmenterManifest
from services.embedder.images.decoding import ByteArray
from services.embedder.images.masks import BoolArray
from services.embedder.images.prompted_network import PromptedManifest, PromptedNetwork
from services.embedder.reports import NO_REPORTS, Reports
from spotted.arrays import Float32Array
from spotted.errors import NotFoundError, PreconditionError

MODEL_FILE = "model.onnx"
ENCODER_FILE = "encoder.onnx"
DECODER_FILE = "decoder.onnx"
MANIFEST_FILE = "manifest.json"
# log level of onnxruntime: errors only
_ERRORS_ONLY = 3
# edge of the image of a warm-up, pixels
_WARM = 64


class Network(Protocol):
    """A loaded network."""

    @property
    def manifest(self) -> SegmenterManifest | PromptedManifest:
        """Its description."""

    def scores(self, region: ByteArray, rows: slice, columns: slice) -> Float32Array:
        """Scores (h, w) of an (H, W, 3) region, whose box is at rows and columns."""


@dataclass(frozen=True, slots=True)
class Needs:
    """Resources that a segmenter takes in a process of its own."""

    bytes: int = 0
    """Memory of a run."""
    seconds: float = 0.0
    """Processor time of a run."""


class Segmenter:
    """A loaded segmenter; `mask` may be called from several threads at once.

    Another process that it is sent to loads it again from its directory.
    """

    def __init__(self, network: Network, directory: Path, reports: Reports = NO_REPORTS) -> None:
        self.manifest = network.manifest
        self.needs = Needs()
        self._network = network
        self._directory = directory
        self._reports = reports

    def __reduce__(self) -> tuple[Callable[[Path], Segmenter], tuple[Path]]:
        return load_segmenter, (self._directory.absolute(),)

    @property
    def digest(self) -> str:
        """SHA-256 (hex) of everything that affects the masks."""
        return self.manifest.digest

    def warm_up(self) -> None:
        """Run once, so that no caller waits for memory allocation, and measure `needs`."""
        before_bytes, before_s = resident_bytes(), time.process_time()
        self.mask(np.zeros((_WARM, _WARM, 3), dtype=np.uint8), slice(16, 48), slice(16, 48))
        grown = max(resident_bytes() - before_bytes, 0)
        files = sum(path.stat().st_size for path in self._directory.glob("*.onnx"))
        self.needs = Needs(grown + 2 * files, time.process_time() - before_s)

    def mask(self, image: ByteArray, rows: slice, columns: slice) -> BoolArray:
        """The mask, True on the animal, of a window of rows and columns of an upright (H, W, 3) image.

        Raises PreconditionError if the graph returns another shape or a number that is not finite.
        """
        with self._reports.timed("segment"):
            return self._mask(image, rows, columns)

    def _mask(self, image: ByteArray, rows: slice, columns: slice) -> BoolArray:
        height, width = image.shape[:2]
        wide_rows = _widened(rows, self.manifest.margin, height)
        wide_columns = _widened(columns, self.manifest.margin, width)
        region = image[wide_rows, wide_columns]
        box = (
            slice(rows.start - wide_rows.start, rows.stop - wide_rows.start),
            slice(columns.start - wide_columns.start, columns.stop - wide_columns.start),
        )
        scores = Image.fromarray(self._network.scores(region, *box)).resize(
            (region.shape[1], region.shape[0]), Image.Resampling.BILINEAR
        )
        animal: BoolArray = np.asarray(scores) >= self.manifest.least_score
        return animal[box]


def load_segmenter(directory: Path, *, threads: int = 1, reports: Reports = NO_REPORTS) -> Segmenter:
    """Verify and load the segmenter in a directory; it runs on the CPU.

    threads: number of threads of a segmenter whose runs take turns; others run with one.
    Raises NotFoundError if a file is missing, PreconditionError if the manifest is invalid or does not match
    the model files.
    """
    try:
        manifest = _manifest(json.loads((directory / MANIFEST_FILE).read_text("utf-8")))
        if isinstance(manifest, SegmenterManifest):
            crop = _session(directory / MODEL_FILE, manifest.sha256, threads=1)
            return Segmenter(CropNetwork(manifest, crop), directory, reports)
        encoder = _session(directory / ENCODER_FILE, manifest.encoder_sha256, threads=threads)
        decoder = _session(directory / DECODER_FILE, manifest.decoder_sha256, threads=threads)
    except FileNotFoundError as error:
        raise NotFoundError(
            f"no segmenter in {directory}: {error.filename} is missing; copy {MANIFEST_FILE} there, with "
            f"{MODEL_FILE} or, for one with two graphs, {ENCODER_FILE} and {DECODER_FILE}"
        ) from error
    except (ValueError, TypeError) as error:
        raise PreconditionError(
            f"{directory / MANIFEST_FILE} is not a manifest of a segmenter ({error}); correct it"
        ) from error
    return Segmenter(PromptedNetwork(manifest, encoder, decoder), directory, reports)


def _manifest(fields: object) -> SegmenterManifest | PromptedManifest:
    """The manifest of either kind. Raises ValueError or TypeError if it is invalid."""
    if not isinstance(fields, dict):
        raise TypeError("it is no JSON object")
    if fields.get("kind") == prompted_network.KIND:
        lists = {name: tuple(value) for name, value in fields.items() if isinstance(value, list)}
        return PromptedManifest(**(fields | lists))
    return SegmenterManifest(**fields)


def _session(path: Path, sha256: str, *, threads: int) -> onnxruntime.InferenceSession:
    content = path.read_bytes()
    if hashlib.sha256(content).hexdigest() != sha256:
        raise PreconditionError(
            f"{path} does not match {MANIFEST_FILE} (SHA-256 {sha256}); download it again"
        )
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = _ERRORS_ONLY
    return onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])


def _widened(window: slice, margin: float, length: int) -> slice:
    more = math.ceil((window.stop - window.start) * margin)
    return slice(max(window.start - more, 0), min(window.stop + more, length))
