"""Scores of the awkward little survey by hand, one pair at a time."""

from __future__ import annotations

import math

import numpy as np

from spotted.arrays import Float32Array
from spotted.survey import Detection
from tests.services.scorer.planted import CAMERAS, END_S, START_S

# between CAM01 and CAM03
EXTENT_M, SPAN_S = 9_000.0, END_S - START_S
PLACES = {c.camera_id: (c.x_m, c.y_m) for c in CAMERAS}


def journey(a: Detection, b: Detection) -> tuple[float | None, float | None]:
    """Distance and gap of a pair, by hand."""
    (ax, ay), (bx, by) = (PLACES.get(d.camera_id, (None, None)) for d in (a, b))
    distance = gap = None
    if ax is not None and ay is not None and bx is not None and by is not None:
        distance = math.hypot(ax - bx, ay - by)
    if a.captured_at_s is not None and b.captured_at_s is not None:
        gap = abs(a.captured_at_s - b.captured_at_s)
    return distance, gap


def feasible(a: Detection, b: Detection) -> float | None:
    """Spotted eq. 3, by hand."""
    distance, gap = journey(a, b)
    if distance is None or gap is None:
        return None
    if distance == 0:
        return 1.0
    return math.exp(-(distance / EXTENT_M) / (gap / SPAN_S)) if gap else 0.0


def alike(a: Float32Array, b: Float32Array) -> float:
    halves = [np.float16(np.float32(v / np.linalg.norm(v.astype(np.float64)))) for v in (a, b)]
    # rounding to float16 may lift the cosine of equal vectors above 1
    return min(1.0, max(0.0, math.fsum(float(x) * float(y) for x, y in zip(*halves, strict=True))))


def two_animals(a: Detection, b: Detection) -> bool:
    return bool(a.image_id) and a.image_id == b.image_id
