"""Memory and processor time to prepare a crop, estimated from the header of its image.

The bytes for each pixel are peaks of `Preprocessing.apply` in a separate process, measured with photographs
of 12 megapixels; the constants below are rounded up:

    JPEG                    7.3 to 11.1   with the coefficients of a progressive file, by either decoder
    JPEG of CMYK            14.1
    PNG                     14.0
    WebP                    22.2 to 23.9
    any with tone, mask, segmenter or turned box   21.1, WebP 23.8

Costs are megapixels of a baseline JPEG, which takes 5.5 ms on one core.
"""

from __future__ import annotations

from dataclasses import dataclass

from services.embedder.images.cropping import LEAST_THETA
from services.embedder.images.headers import DAMAGED, MAX_PIXELS, MEGA, Header, read_header
from services.embedder.images.masks import PngMask, RleMask
from services.embedder.images.preprocessing import ImageCrop, Preprocessing
from services.embedder.images.tones import Tone
from spotted.errors import UnreadableImageError

# bytes for each pixel
BYTES = {"JPEG": 12, "PNG": 15, "WEBP": 25}
CMYK_BYTES = 16
STEPS_BYTES = 25
# buffers of decoders, of any size of image
FIXED_BYTES = 8 << 20
# arrays of a mask for each of its run lengths
RUN_BYTES = 100
# a whole number in a Python sequence
NUMBER_BYTES = 40

# time for each pixel, with that of a baseline JPEG as 1
COSTS = {"JPEG": 1.0, "PNG": 10.0, "WEBP": 12.0}
SCAN_COST = 0.35
STEPS_COST = 12.0
TURN_COST = 10.0
# local features are found on a chip of one size, whatever that of the image; a square one takes 127 MiB
LOCAL_BYTES, LOCAL_COST = 128 << 20, 28.0


@dataclass(frozen=True, slots=True)
class Footprint:
    """Estimates for one image."""

    bytes: int
    """Most memory at once, beside the file."""
    cost: float
    """Processor time, as megapixels of a baseline JPEG."""


def footprint(
    crop: ImageCrop, steps: Preprocessing, *, max_pixels: int = MAX_PIXELS, local: bool = False
) -> Footprint:
    """The footprint of a crop; local: whether local features are extracted.

    Raises UnreadableImageError as `decode` does for a header.
    """
    header = _header(crop.content, max_pixels)
    pixels = header.width * header.height
    turned = abs(crop.theta) >= LEAST_THETA
    more = turned or crop.mask is not None or steps.segmenter is not None or steps.tone is not Tone.AS_TAKEN
    each = STEPS_BYTES if more else _bytes(header)
    cost = COSTS[header.kind] + SCAN_COST * (header.scans - 1) + STEPS_COST * more + TURN_COST * turned
    needed = pixels * each + _mask_bytes(crop) + FIXED_BYTES
    return Footprint(needed + LOCAL_BYTES * local, pixels * cost / MEGA + LOCAL_COST * local)


def image_footprint(content: bytes, *, max_pixels: int = MAX_PIXELS) -> Footprint:
    """The footprint of an image whose histograms are computed. Raises UnreadableImageError as `footprint`."""
    header = _header(content, max_pixels)
    pixels = header.width * header.height
    cost = COSTS[header.kind] + SCAN_COST * (header.scans - 1)
    return Footprint(pixels * _bytes(header) + FIXED_BYTES, pixels * cost / MEGA)


def encoded_bytes(crop: ImageCrop) -> int:
    """Memory of a crop's image and mask as they were sent."""
    match crop.mask:
        case PngMask(content):
            return len(crop.content) + len(content)
        case RleMask(counts=counts):
            each = 1 if isinstance(counts, bytes | str) else NUMBER_BYTES
            return len(crop.content) + each * len(counts)
    return len(crop.content)


def _header(content: bytes, max_pixels: int) -> Header:
    try:
        return read_header(content, max_pixels=max_pixels)
    except DAMAGED as error:
        raise UnreadableImageError(
            f"the image is damaged or truncated ({error}); copy it from the camera's card again"
        ) from error


def _bytes(header: Header) -> int:
    if header.kind == "JPEG" and header.image is not None and header.image.mode == "CMYK":
        return CMYK_BYTES
    return BYTES[header.kind]


def _mask_bytes(crop: ImageCrop) -> int:
    return RUN_BYTES * len(crop.mask.counts) if isinstance(crop.mask, RleMask) else 0
