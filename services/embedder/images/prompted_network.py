"""A network that masks the animal in a box: encoder and decoder as two graphs, as of Segment Anything.

The encoder sees the box with a margin, scaled to its input. The decoder gets the embeddings and the corners
of the box as points with the labels 2 and 3, as in Kirillov et al., "Segment Anything" (2023), and returns
masks as logits, with a predicted quality of each.

Sources and choices: docs/research/provenance.md.
"""

from __future__ import annotations

import hashlib
import json
import math
import threading
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
import onnxruntime
from PIL import Image

from services.embedder.images.decoding import ByteArray
from services.embedder.images.resizing import resize_into
from spotted.arrays import Float32Array
from spotted.boxes import Placement, place
from spotted.boxes.cropping import BLACK
from spotted.errors import PreconditionError

KIND = "prompted-segmenter"
# labels of the upper left and the lower right corner of a box
CORNERS = (2, 3)
# what the encoder sees around a box, on each side
MARGIN = 0.25
# edge of a mask as a prompt, over that of the embeddings
MASK_SCALE = 4
# axes of points without and with one for several prompts
POINT_AXES = 3
CHANNELS = 3

Colour = tuple[float, float, float]
NumberArray = npt.NDArray[np.generic]
_ELEMENTS = {
    "tensor(float)": np.float32,
    "tensor(float16)": np.float16,
    "tensor(int64)": np.int64,
    "tensor(int32)": np.int32,
    "tensor(uint8)": np.uint8,
}


@dataclass(frozen=True, slots=True)
class PromptedManifest:
    """Description of a segmenter of two graphs. Raises ValueError for values that are not possible."""

    model_id: str
    """Name of the segmenter."""
    version: int
    """Version of the model files."""
    input_size: int
    """Edge of the square input of the encoder, pixels."""
    encoder_sha256: str
    """SHA-256 (hex) of the encoder's file."""
    decoder_sha256: str
    """SHA-256 (hex) of the decoder's file."""
    licence: str
    """SPDX id of the licence of the weights."""
    source: str
    """Origin of the weights."""
    encoder_input: Literal["nchw", "hwc"] = "nchw"
    """nchw: normalised, filled up with 0 to the square; hwc: levels 0 to 255, the graph does the rest."""
    fit: Literal["letterbox-corner", "stretch"] = "letterbox-corner"
    """How the box with its margin fills the input."""
    scale: float = 1.0
    """Factor of the levels 0 to 255."""
    mean: Colour = (123.675, 116.28, 103.53)
    """By channel, subtracted from the scaled levels."""
    std: Colour = (58.395, 57.12, 57.375)
    """By channel, divisor after the mean is subtracted."""
    threshold: float = 0.5
    """Least probability of a pixel that shows the animal."""
    margin: float = MARGIN
    """Share of the width and height of the box that is added on each side."""
    kind: str = KIND
    """Always "prompted-segmenter"."""

    def __post_init__(self) -> None:
        if self.kind != KIND:
            raise ValueError(f"kind is {self.kind!r}, not {KIND!r}")
        if self.encoder_input not in {"nchw", "hwc"} or self.fit not in {"letterbox-corner", "stretch"}:
            raise ValueError("encoder_input must be nchw or hwc, fit letterbox-corner or stretch")
        if not (self.input_size > 0 and 0 < self.threshold < 1 and self.margin >= 0):
            raise ValueError("input_size must be above 0, threshold between 0 and 1, margin at least 0")
        if not len(self.mean) == len(self.std) == CHANNELS or self.scale <= 0 or min(self.std) <= 0:
            raise ValueError("mean and std need three numbers each, scale and std must be above 0")

    @property
    def digest(self) -> str:
        """SHA-256 (hex) of everything that affects the masks; part of `Preprocessing.digest`."""
        names = {"model_id", "version", "licence", "source"}
        parts = {name: value for name, value in asdict(self).items() if name not in names}
        parts |= {"resize": "Pillow bilinear, antialiased; there and back", "prompt": "corners of the box"}
        return hashlib.sha256(json.dumps(parts, sort_keys=True, separators=(",", ":")).encode()).hexdigest()

    @property
    def least_score(self) -> float:
        """Logit of a pixel from which it shows the animal."""
        return math.log(self.threshold / (1 - self.threshold))

    def to_json(self) -> str:
        """The text of a manifest file."""
        return json.dumps(asdict(self), indent=2) + "\n"


class PromptedNetwork:
    """A loaded encoder and decoder. Runs of several threads take turns, as an encoder takes much memory.

    Raises PreconditionError if a graph has an input that is not known.
    """

    def __init__(
        self,
        manifest: PromptedManifest,
        encoder: onnxruntime.InferenceSession,
        decoder: onnxruntime.InferenceSession,
    ) -> None:
        self.manifest = manifest
        self._encoder, self._decoder = encoder, decoder
        self._turn = threading.Lock()
        self._embeddings = [output.name for output in encoder.get_outputs()]
        image, *others = encoder.get_inputs()
        unknown = [one.name for one in (*others, *decoder.get_inputs()) if not self._is_known(one)]
        if unknown:
            raise PreconditionError(
                f"segmenter {manifest.model_id!r} takes {', '.join(unknown)}, which is not known; export it "
                "so that the encoder takes an image, and the decoder embeddings and points"
            )
        size = manifest.input_size
        wanted = ["h", "w", CHANNELS] if manifest.encoder_input == "hwc" else [1, CHANNELS, size, size]
        shape = image.shape or ()
        # names and None stand for any length
        fits = len(shape) == len(wanted) and all(
            found == want or not isinstance(found, int) for found, want in zip(shape, wanted, strict=True)
        )
        if image.type not in _ELEMENTS or not fits:
            raise PreconditionError(
                f"the encoder of segmenter {manifest.model_id!r} takes {image.type} {image.shape}, but "
                f"{manifest.encoder_input!r} in its manifest means {wanted}; correct the manifest, or choose "
                "another --form"
            )

    def scores(self, region: ByteArray, rows: slice, columns: slice) -> Float32Array:
        """Logits of an (H, W, 3) region for the box of rows and columns in it, of the scaled region's size.

        Raises PreconditionError if the decoder returns no masks with finite logits.
        """
        size = self.manifest.input_size
        placement = place(region.shape[1], region.shape[0], width=size, height=size, fit=self.manifest.fit)
        across, down = placement.width / region.shape[1], placement.height / region.shape[0]
        corners = np.array(
            [[columns.start * across, rows.start * down], [columns.stop * across, rows.stop * down]]
        )
        with self._turn:
            embeddings = self._embed(region, placement)
            outputs = self._decoder.run(None, self._prompt(embeddings, corners))
        mask = self._best(dict(zip((one.name for one in self._decoder.get_outputs()), outputs, strict=True)))
        whole = mask if mask.shape == (size, size) else _resized(mask, size)
        return whole[: placement.height, : placement.width]

    def _is_known(self, one: onnxruntime.NodeArg) -> bool:
        parts = ("embed", "point_coords", "point_labels", "mask_input", "orig_im_size")
        named = one.name in self._embeddings or any(part in one.name for part in parts)
        return named and one.type in _ELEMENTS

    def _embed(self, region: ByteArray, placement: Placement) -> Mapping[str, NumberArray]:
        manifest = self.manifest
        shape = (placement.height, placement.width)
        scaled = resize_into(region, shape, placement, "bilinear", BLACK)
        image = self._encoder.get_inputs()[0]
        if manifest.encoder_input == "hwc":
            given = scaled.astype(_ELEMENTS[image.type])
        else:
            mean, std = (np.array(each, dtype=np.float32) for each in (manifest.mean, manifest.std))
            normalised = (scaled * np.float32(manifest.scale) - mean) / std
            size = manifest.input_size
            square = np.zeros((1, CHANNELS, size, size), dtype=_ELEMENTS[image.type])
            square[0, :, : shape[0], : shape[1]] = normalised.transpose(2, 0, 1)
            given = square
        return dict(zip(self._embeddings, self._encoder.run(None, {image.name: given}), strict=True))

    def _prompt(
        self, embeddings: Mapping[str, NumberArray], corners: npt.NDArray[np.float64]
    ) -> dict[str, NumberArray]:
        """The inputs of the decoder."""
        # beside the embeddings of the image, SAM 2 has larger ones of its details
        main = min(embeddings.values(), key=lambda each: each.shape[-1])
        size = self.manifest.input_size
        edge = [MASK_SCALE * length for length in main.shape[-2:]]
        given: dict[str, NumberArray] = {}
        for one in self._decoder.get_inputs():
            if one.name in embeddings:
                given[one.name] = embeddings[one.name]
                continue
            if "embed" in one.name:
                given[one.name] = main
                continue
            # the first axis is that of images, a second one that of prompts
            several = (1,) * (len(one.shape or ()) - POINT_AXES + ("labels" in one.name))
            values: npt.ArrayLike
            if "point_coords" in one.name:
                values = corners.reshape(1, *several, 2, 2)
            elif "point_labels" in one.name:
                values = np.array(CORNERS).reshape(1, *several, 2)
            elif "has_mask_input" in one.name:
                values = np.zeros(1)
            elif "mask_input" in one.name:
                values = np.zeros((1, 1, *edge))
            else:
                # masks of the whole input: what lies beside the region is cut off afterwards
                values = np.array([size, size])
            given[one.name] = np.asarray(values).astype(_ELEMENTS[one.type])
        return given

    def _best(self, outputs: Mapping[str, NumberArray]) -> Float32Array:
        """The (h, w) mask of the best predicted quality."""
        names = sorted((name for name in outputs if "mask" in name), key=lambda name: "low" in name)
        quality = [outputs[name].ravel() for name in outputs if "iou" in name or "score" in name]
        found = outputs[names[0]] if names else np.zeros(0)
        masks = found.reshape(-1, *found.shape[-2:]) if found.ndim >= len(("rows", "columns")) else found
        fits = masks.ndim == 3 and (len(masks) == 1 or [one.size for one in quality] == [len(masks)])  # noqa: PLR2004 - masks, rows, columns
        if not fits or not np.isfinite(masks.astype(np.float32)).all():
            shapes = ", ".join(f"{name} {array.shape}" for name, array in outputs.items())
            raise PreconditionError(
                f"segmenter {self.manifest.model_id!r} returned {shapes}; finite masks (n, rows, columns) "
                "and, if there are several, their n qualities are required; export it again"
            )
        best = int(np.argmax(quality[0].astype(np.float32))) if len(masks) > 1 else 0
        chosen: Float32Array = masks[best].astype(np.float32)
        return chosen


def _resized(mask: Float32Array, size: int) -> Float32Array:
    return np.asarray(Image.fromarray(mask).resize((size, size), Image.Resampling.BILINEAR))
