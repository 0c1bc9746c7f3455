"""Methods by which local features are extracted and matched, by name.

Features of one survey are of one method: a digest names everything on which they depend. The weights of a
method with a network are named by its manifest, so its specification is known only with the exported files.
"""

from __future__ import annotations

import hashlib
import importlib.util
import json
from dataclasses import asdict, dataclass, replace
from typing import Literal

from spotted.errors import InvalidInputError

Matcher = Literal["lnbnn", "lightglue"]
# the longest vector of SIFT by convention: an element seldom exceeds 255
SIFT_LENGTH = 512.0


@dataclass(frozen=True, slots=True)
class MethodSpec:
    """Everything on which local features and their scores depend.

    >>> from dataclasses import replace
    >>> spec = method_by_name("hotspotter")
    >>> spec.chip_size_px, spec.matcher
    (300, 'lnbnn')
    >>> replace(spec, chip_size_px=512).digest == spec.digest
    False
    """

    name: str
    """Name by which users choose the method."""
    detector: str
    """Detector of keypoints with its version; features of others cannot be compared."""
    matcher: Matcher
    """How two detections are matched."""
    chip_size_px: int
    """Longest side to which the crop of a detection is scaled; `detector` says whether it is enlarged."""
    most_points: int
    """Keypoints that are kept, strongest first."""
    dimension: int = 128
    """Elements of a descriptor."""
    descriptor_length: float = SIFT_LENGTH
    """Euclidean length of a descriptor; distances are divided by that of two orthogonal ones."""
    weights_sha256: str = ""
    """SHA-256 of the network that extracts; empty: none does."""
    matcher_sha256: str = ""
    """SHA-256 of the network that matches; empty: none does."""

    @property
    def digest(self) -> str:
        """SHA-256 (hex) of all fields."""
        return hashlib.sha256(json.dumps(asdict(self), sort_keys=True).encode()).hexdigest()


HOTSPOTTER = MethodSpec(
    name="hotspotter",
    detector="OpenCV SIFT on crops that are not enlarged, RootSIFT in 4 bits",
    matcher="lnbnn",
    chip_size_px=300,
    most_points=700,
)
HOTSPOTTER_AFFINE = replace(
    HOTSPOTTER,
    name="hotspotter-affine",
    detector="pyhesaff 2.2, upright, on crops that are not enlarged, RootSIFT in 4 bits",
)
# methods that need no exported network
METHODS = {spec.name: spec for spec in (HOTSPOTTER, HOTSPOTTER_AFFINE)}


def installed_methods() -> list[str]:
    """The names of METHODS whose packages are installed."""
    return [name for name in METHODS if not missing_extra(name)]


def missing_extra(name: str) -> str:
    """The extra that one of METHODS needs and that is not installed; "" if it can be used."""
    needed = {"local": "cv2"} | ({"hesaff": "pyhesaff"} if name == HOTSPOTTER_AFFINE.name else {})
    missing = [extra for extra, package in needed.items() if importlib.util.find_spec(package) is None]
    return missing[0] if missing else ""


def method_by_name(name: str) -> MethodSpec:
    """The method of a name that needs no network. Raises InvalidInputError for another one."""
    if name not in METHODS:
        raise InvalidInputError(
            f"{name!r} is not a local method that works without files; choose one of "
            f"{', '.join(sorted(METHODS))}, or one whose files were exported",
            field="local_method",
        )
    return METHODS[name]
