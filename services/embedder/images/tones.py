"""Tone maps that make photographs taken in different light comparable: equalisation and matching.

Both map each colour channel separately, which also removes the colour cast of a camera. The map of a
channel is a table of 256 levels computed from the histogram of the whole photograph in whole numbers, so
that no library or machine rounds it differently. Equalisation leaves a photograph of one level unchanged.

Sources and choices: docs/research/provenance.md.
"""

from __future__ import annotations

import enum
import hashlib
import json
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from PIL import Image

from services.embedder.images.decoding import ByteArray
from spotted.errors import InvalidInputError

CountArray = npt.NDArray[np.int64]

LEVELS = 256
CHANNELS = 3
# products of two totals and 510 stay below 2^63 up to the limit of Pillow, 179 megapixels
MOST_COUNTS = 100_000_000


class Tone(enum.Enum):
    """Tone map of a photograph, applied before it is masked and cropped."""

    AS_TAKEN = "as taken"
    EQUALISED = "equalised"
    MATCHED = "matched"


@dataclass(frozen=True, slots=True)
class Reference:
    """Histograms that the photographs of a survey are matched to, usually those of a chosen photograph.

    Raises InvalidInputError for counts that are not such histograms.
    """

    counts: tuple[tuple[int, ...], ...]
    """256 pixel counts for each of red, green and blue."""

    def __post_init__(self) -> None:
        sound = (
            len(self.counts) == CHANNELS
            and all(len(channel) == LEVELS and min(channel) >= 0 for channel in self.counts)
            and all(0 < sum(channel) <= MOST_COUNTS for channel in self.counts)
        )
        if not sound:
            raise InvalidInputError(
                "a reference histogram needs 3 x 256 counts of at least 0, with a sum of "
                f"1..{MOST_COUNTS} in each channel; create it with Reference.of(image)",
                field="reference",
            )

    @classmethod
    def of(cls, image: ByteArray) -> Reference:
        """The histograms of an (H, W, 3) image."""
        return cls.from_counts(histograms(image))

    @classmethod
    def from_counts(cls, counts: CountArray) -> Reference:
        """The histograms as `histograms` returns them."""
        return cls(tuple(tuple(channel) for channel in counts.tolist()))

    @property
    def digest(self) -> str:
        """SHA-256 (hex) of the counts."""
        text = json.dumps(self.counts, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()


def histograms(image: ByteArray) -> CountArray:
    """(3, 256) number of pixels of an (H, W, 3) image with each level in each channel."""
    counts = Image.fromarray(np.ascontiguousarray(image)).histogram()
    return np.array(counts, dtype=np.int64).reshape(CHANNELS, LEVELS)


def apply_curves(image: ByteArray, curves: ByteArray) -> ByteArray:
    """An (H, W, 3) image with its levels mapped by (3, 256) curves."""
    mapped = Image.fromarray(np.ascontiguousarray(image)).point(curves.ravel().tolist())
    return np.asarray(mapped)


def equalisation_curves(counts: CountArray) -> ByteArray:
    """(3, 256) curves that spread each channel evenly over 0..255, from its (3, 256) counts.

    A level v becomes 255 (below(v) - first) / (n - first), half rounded up: below(v) of the n pixels have at
    most this level, and `first` pixels have the lowest (Gonzalez and Woods, Digital Image Processing, 3.3).
    """
    return np.stack([_equalising(channel) for channel in counts])


def matching_curves(counts: CountArray, reference: Reference) -> ByteArray:
    """(3, 256) curves that give (3, 256) counts the distribution of a reference.

    A level is mapped to the level of the reference with the same share of pixels at or below it, linear
    between the levels of the reference, half rounded up: match_histograms of scikit-image, rounded.
    """
    targets = np.array(reference.counts, dtype=np.int64)
    return np.stack([_matching(*pair) for pair in zip(counts, targets, strict=True)])


def _equalising(counts: CountArray) -> ByteArray:
    below = counts.cumsum()
    first = counts[counts > 0][0]
    spread = below[-1] - first
    if spread == 0:
        return np.arange(LEVELS, dtype=np.uint8)
    # levels darker than the first present one would fall below 0; no pixel has them
    levels = ((2 * (LEVELS - 1) * (below - first) + spread) // (2 * spread)).clip(0)
    return np.asarray(levels, dtype=np.uint8)


def _matching(counts: CountArray, target: CountArray) -> ByteArray:
    below = counts.cumsum()
    (present,) = np.nonzero(target)
    # shares as whole numbers over the product of both totals
    shares, steps = below * target.sum(), target.cumsum()[present] * below[-1]
    after = steps.searchsorted(shares)
    before = np.maximum(after - 1, 0)
    width = np.maximum(steps[after] - steps[before], 1)
    rise, distance = present[after] - present[before], np.maximum(shares - steps[before], 0)
    levels = present[before] + (2 * rise * distance + width) // (2 * width)
    return np.asarray(levels, dtype=np.uint8)
