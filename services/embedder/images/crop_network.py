"""A network that masks the animal in a crop: one graph, and no prompt but the crop itself.

The graph takes uint8 (n, s, s, 3) RGB and returns (n, s, s) logits or probabilities.
"""

from __future__ import annotations

import hashlib
import json
import math
from dataclasses import asdict, dataclass
from typing import Literal

import numpy as np
import onnxruntime

from services.embedder.images.decoding import ByteArray
from services.embedder.images.resizing import resize
from spotted.arrays import Float32Array
from spotted.errors import PreconditionError

KIND = "segmenter"


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

    @property
    def least_score(self) -> float:
        """Score of a pixel from which it shows the animal."""
        odds = self.threshold / (1 - self.threshold)
        return math.log(odds) if self.output == "logits" else self.threshold

    def to_json(self) -> str:
        """The text of a manifest file."""
        return json.dumps(asdict(self), indent=2) + "\n"


class CropNetwork:
    """A loaded network; `scores` may be called from several threads at once."""

    def __init__(self, manifest: SegmenterManifest, session: onnxruntime.InferenceSession) -> None:
        self.manifest = manifest
        self._session = session
        self._input = session.get_inputs()[0].name

    def scores(self, region: ByteArray, rows: slice, columns: slice) -> Float32Array:  # noqa: ARG002 - no prompt
        """Scores of an (H, W, 3) region, of the size of the network's input.

        Raises PreconditionError if the graph returns another shape or a number that is not finite.
        """
        size = self.manifest.input_size
        (scores,) = self._session.run(None, {self._input: resize(region, size)[None]})
        if scores.shape != (1, size, size) or not np.isfinite(scores).all():
            raise PreconditionError(
                f"segmenter {self.manifest.model_id!r} returned scores of shape {scores.shape}; finite "
                f"scores of shape (1, {size}, {size}) are required; export it again to match its manifest"
            )
        found: Float32Array = scores[0].astype(np.float32)
        return found
