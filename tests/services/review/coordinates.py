"""Finds the coordinates of the drawn survey in whatever the page answers, however they are written."""

from __future__ import annotations

import base64
import binascii
import re
import struct
from collections.abc import Iterator
from urllib.parse import unquote_to_bytes

from tests.services.review.surveys_with_photographs import LATITUDE, LONGITUDE, cameras

MINUTES, SECONDS = 60.0, 3600.0
# metres and degrees; kilometres, millimetres, and the whole numbers in which devices store degrees
SCALES = (1.0, 1e-3, 1e3, 1e5, 1e6, 1e7)
BINARY = ("<d", ">d", "<f", ">f", "<i", ">i", "<q", ">q")
# a number of fewer digits names no place
DIGITS, ALIKE = 5, 2e-5
# not within a word: digests and ids have digits too
NUMBER = re.compile(rb"(?<![0-9A-Za-z])\d+(?:\.\d+)?(?:[eE][+-]?\d+)?(?![0-9A-Za-z])")
ENCODED = re.compile(rb"[A-Za-z0-9+/_-]{12,}={0,2}")
LARGEST = {"i": 2**31 - 1, "q": 2**63 - 1}


def degrees(parts: tuple[int, int, float]) -> float:
    return parts[0] + parts[1] / MINUTES + parts[2] / SECONDS


def secrets() -> list[float]:
    """The numbers that tell a place: of the cameras, and in the headers of the photographs."""
    places = [one for camera in cameras().values() for one in (camera.x_m, camera.y_m) if one]
    return [*places, degrees(LATITUDE), degrees(LONGITUDE)]


VALUES = secrets()
PATTERNS = [
    struct.pack(kind, int(value * scale) if kind[1] in LARGEST else value * scale)
    for value in VALUES
    for scale in SCALES
    for kind in BINARY
    if kind[1] not in LARGEST or (scale >= 1.0 and 2**16 < value * scale < LARGEST[kind[1]])
]


def coordinates_in(content: bytes, *, text: bool) -> list[bytes]:
    """What of an answer tells a place. text: search its numbers as well, which pictures do not have."""
    found = [pattern for pattern in PATTERNS if pattern in content]
    for form in _forms(content) if text else ():
        found += [pattern for pattern in PATTERNS if pattern in form]
        found += [number[0] for number in NUMBER.finditer(form) if _is_secret(number[0])]
    return found


def _forms(content: bytes) -> Iterator[bytes]:
    """The text as it is, without percent signs, and what base64 and hexadecimal in it hold."""
    yield content
    yield unquote_to_bytes(content)
    for word in ENCODED.findall(content):
        for decode in (_base64, bytes.fromhex):
            try:
                yield decode(word.decode())
            except (binascii.Error, ValueError):
                continue


def _base64(word: str) -> bytes:
    bare = word.rstrip("=").replace("+", "-").replace("/", "_")
    return base64.urlsafe_b64decode(bare + "=" * (-len(bare) % 4))


def _is_secret(number: bytes) -> bool:
    digits = re.sub(rb"[eE].*|\.", b"", number).strip(b"0")
    value = float(number)
    return len(digits) >= DIGITS and any(
        abs(value - secret * scale) <= ALIKE * secret * scale for secret in VALUES for scale in SCALES
    )
