"""Memory and processor time to prepare the parts of an image, estimated from its header.

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

from services.embedder.images.decoding import Decoding
from services.embedder.images.headers import MAX_PIXELS, MEGA, Header, damage_reported, read_header
from services.embedder.images.masks import Mask, PngMask, RleMask
from services.embedder.images.photograph import CropPart, Photograph
from services.embedder.images.preprocessing import REDUCTIONS, Preprocessing
from services.embedder.images.tones import Tone
from spotted.boxes.cropping import LEAST_THETA
from spotted.local_features.methods import MethodSpec

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
# each further part of an image, cut and resized
PART_COST = 0.5
TURN_COST = 10.0
# local features are found on a chip, whatever the size of the image: SIFT took 22 MiB on 300 x 300 pixels,
# and 115 ms with a mask
SIFT_BYTES, SIFT_COST = 40 << 20, 21.0
# a network has several maps of the chip with as many numbers for each pixel as a descriptor has elements:
# for 320 pixels ALIKED took 178 MiB, 3.6 maps, and DISK 127 MiB
NETWORK_MAPS, NUMBER_OF_MAP_BYTES = 4, 4
# time of a network for a megapixel of its chip, as the costs above
NETWORK_COST = 800.0


@dataclass(frozen=True, slots=True)
class Footprint:
    """Estimates for one image."""

    bytes: int
    """Most memory at once, beside the file."""
    cost: float
    """Processor time, as megapixels of a baseline JPEG."""


NOTHING = Footprint(0, 0.0)


def footprint(
    photograph: Photograph,
    steps: Preprocessing,
    *,
    max_pixels: int = MAX_PIXELS,
    local: Footprint = NOTHING,
    header: Header | None = None,
) -> Footprint:
    """The footprint of an image with its parts, which are cut one after another.

    local: that of the local features of a part. header: that of the file; None: it is read.
    Raises UnreadableImageError as `decode` does for a header.
    """
    header, parts = header or open_header(photograph.content, max_pixels=max_pixels), photograph.parts
    pixels = header.width * header.height
    more = [_has_steps(part, steps) for part in parts]
    turned = sum(_is_turned(part) for part in parts)
    each = STEPS_BYTES if any(more) else _bytes(header)
    # each part may need the image at another size
    decodings = min(len(parts), len(REDUCTIONS) + 1) if steps.decoding is Decoding.FAST else 1
    cost = decodings * (COSTS[header.kind] + SCAN_COST * (header.scans - 1)) + PART_COST * (len(parts) - 1)
    cost += STEPS_COST * sum(more) + TURN_COST * turned
    needed = pixels * each + max(map(_mask_bytes, parts)) + FIXED_BYTES
    return Footprint(needed + local.bytes, pixels * cost / MEGA + local.cost * len(parts))


def local_footprint(spec: MethodSpec) -> Footprint:
    """The footprint of the local features of one part by a method."""
    if not spec.weights_sha256:
        return Footprint(SIFT_BYTES, SIFT_COST)
    pixels = spec.chip_size_px**2
    each = NETWORK_MAPS * NUMBER_OF_MAP_BYTES * spec.dimension
    return Footprint(pixels * each, pixels * NETWORK_COST / MEGA)


def image_footprint(content: bytes, *, max_pixels: int = MAX_PIXELS) -> Footprint:
    """The footprint of an image whose histograms are computed. Raises UnreadableImageError as `footprint`."""
    header = open_header(content, max_pixels=max_pixels)
    pixels = header.width * header.height
    cost = COSTS[header.kind] + SCAN_COST * (header.scans - 1)
    return Footprint(pixels * _bytes(header) + FIXED_BYTES, pixels * cost / MEGA)


def encoded_bytes(photograph: Photograph) -> int:
    """Memory of an image and its masks as they were sent."""
    return len(photograph.content) + sum(_encoded_mask_bytes(part.mask) for part in photograph.parts)


def _encoded_mask_bytes(mask: Mask | None) -> int:
    match mask:
        case PngMask(content):
            return len(content)
        case RleMask(counts=counts):
            return (1 if isinstance(counts, bytes | str) else NUMBER_BYTES) * len(counts)
    return 0


def _is_turned(part: CropPart) -> bool:
    return abs(part.theta) >= LEAST_THETA


def _has_steps(part: CropPart, steps: Preprocessing) -> bool:
    """Whether a part takes more than to be cut out and resized."""
    masked = part.mask is not None or steps.segmenter is not None
    return masked or _is_turned(part) or steps.tone is not Tone.AS_TAKEN


def open_header(content: bytes, *, max_pixels: int = MAX_PIXELS) -> Header:
    """The header of an image file. Raises UnreadableImageError as `decode` does for a header."""
    with damage_reported():
        return read_header(content, max_pixels=max_pixels)


def _bytes(header: Header) -> int:
    if header.kind == "JPEG" and header.image is not None and header.image.mode == "CMYK":
        return CMYK_BYTES
    return BYTES[header.kind]


def _mask_bytes(part: CropPart) -> int:
    return RUN_BYTES * len(part.mask.counts) if isinstance(part.mask, RleMask) else 0
