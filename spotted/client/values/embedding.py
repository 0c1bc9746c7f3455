"""Images to embed, their vectors, and the embedder that makes them."""

from __future__ import annotations

import enum
from dataclasses import dataclass

from spotted.arrays import Float32Array
from spotted.client.values.surveys import EmbeddingSpec, LocalFeatureSpec


class Tone(enum.IntEnum):
    """How the tones of an image are prepared; the values are those of `spotted.v1.Tone`."""

    AS_TAKEN = 1
    """Unchanged."""
    EQUALISED = 2
    """Histogram equalisation."""
    MATCHED = 3
    """Histogram matching to a reference image."""


class Decoding(enum.IntEnum):
    """How JPEG files are decoded; the values are those of `spotted.v1.Decoding`."""

    EXACT = 1
    """All pixels, the same as Pillow's."""
    FAST = 2
    """At 1/2, 1/4 or 1/8 of the size, if the box still has twice the pixels of the backbone's input."""


@dataclass(frozen=True, slots=True)
class CropPart:
    """A further animal in the image of a crop.

    >>> Crop("d01", b"...", (0.1, 0.4, 0.3, 0.5), others=(CropPart("d02", (0.5, 0.4, 0.4, 0.5)),)).crop_ids
    ('d01', 'd02')
    """

    crop_id: str
    """As in `Crop`."""
    box: tuple[float, float, float, float] | None = None
    """As in `Crop`."""
    theta: float = 0.0
    """As in `Crop`."""
    mask_png: bytes = b""
    """As in `Crop`."""


@dataclass(frozen=True, slots=True)
class Crop:
    """An image to embed, or the part of it that shows one animal.

    >>> Crop("d01", b"...", box=(0.25, 0.4, 0.5, 0.5)).theta
    0.0
    """

    crop_id: str
    """Returned with the vector; unique in its stream."""
    image: bytes
    """The encoded JPEG, PNG or WebP."""
    box: tuple[float, float, float, float] | None = None
    """x, y, width, height as fractions of the upright image; None for the whole image."""
    theta: float = 0.0
    """Radians by which the box is turned about its centre, clockwise as seen."""
    mask_png: bytes = b""
    """An encoded PNG of the upright image's size, not 0 inside the animal; b"" for none."""
    others: tuple[CropPart, ...] = ()
    """Further animals in the same image, at most 15; it is sent and decoded once for all of them."""

    @property
    def crop_ids(self) -> tuple[str, ...]:
        """Ids of the vectors that it gets, in their order."""
        return self.crop_id, *(other.crop_id for other in self.others)


@dataclass(frozen=True, slots=True)
class Preparation:
    """How images are prepared in addition to the backbone's own preprocessing."""

    tone: Tone = Tone.AS_TAKEN
    """Tone of the whole image, before it is cropped."""
    reference_digest: str = ""
    """From `Spotted.add_reference`; with MATCHED only."""
    segmented: bool = False
    """Let the embedder's segmenter find the animal in each box that comes without a mask."""
    fill: int | None = None
    """Colour 0xRRGGBB outside the mask and the image; None for the backbone's mean colour."""
    decoding: Decoding = Decoding.EXACT
    """FAST only with tones as taken, without the segmenter and without local features."""


@dataclass(frozen=True, slots=True)
class Embedded:
    """The vector of one crop, or the reason why it has none."""

    crop_id: str
    """The crop."""
    vector: Float32Array | None
    """(D,) float32, unit length; None if the crop could not be embedded."""
    error: str
    """The cause and the remedy; "" if there is a vector."""
    spec: EmbeddingSpec
    """How the vector was made."""
    local_features: bytes = b""
    """For `SurveyHandle.add_local_features`; b"" if none were requested, or there is no vector."""
    local_spec: LocalFeatureSpec | None = None
    """How the local features were made; None if none were requested."""


@dataclass(frozen=True, slots=True)
class Model:
    """A backbone that the embedder has loaded."""

    model_id: str
    """e.g. "efficientnet-lite0"."""
    version: str
    """Version of the exported file."""
    spec: EmbeddingSpec
    """How its vectors are made."""
    input_size: int
    """Edge of the square input, pixels."""
    licence: str
    """SPDX id of the weights' licence."""
    source: str
    """Origin of the weights."""
    device: str
    """cpu, cuda or tensorrt."""
    precision: str
    """Precision of the weights: fp32, fp16 or int8."""
    least_cosine: float | None
    """Least cosine between its vectors and the original network's, measured at export; None if unmeasured."""


@dataclass(frozen=True, slots=True)
class EmbedderInfo:
    """The embedder's version, limits and models."""

    version: str
    """Version of Spotted."""
    max_message_bytes: int
    """Largest message that it accepts, bytes."""
    default_model_id: str
    """The model used if a call names none."""
    max_crops: int
    """Most crops of one `Spotted.embed_batch`, and of one image."""
    max_image_pixels: int
    """Largest image accepted, pixels."""
    models: tuple[Model, ...]
    """Loaded backbones."""
    max_queue_crops: int
    """Most crops admitted at once by one backbone; one survey may fill half of it."""
    max_queue_bytes: int
    """Most bytes of encoded images admitted at once by one backbone."""
    segmenter_digest: str
    """SHA-256 (hex) of the segmenter's file; "" if none is loaded."""
    local_methods: tuple[str, ...] = ()
    """Methods of local features that it can extract."""
