"""Geometric verification: the matches that one movement of the animal's flank explains.

Every match proposes a similarity (its keypoints have a scale and an angle). The similarity with which most
weight agrees is kept if enough matches agree, then refined by a homography. Tolerances are those of WBIA.

Sources and choices: docs/research/provenance.md.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from spotted.arrays import BoolArray, Float64Array, FloatArray, IntArray

ComplexArray = npt.NDArray[np.complex128]
# a share of the squared diagonal of the chip, so points may lie a tenth of the diagonal apart
LARGEST_SHIFT = 0.01
# ratio of two areas
LARGEST_GROWTH = 2.0
LARGEST_TURN = np.pi / 2.0
FEWEST_INLIERS = 4
# a homography through fewer points fits nearly everything
FEWEST_FOR_HOMOGRAPHY = 7
# singular values below this share of the largest are rounding
DEGENERATE = 1e-9


@dataclass(frozen=True, slots=True, eq=False)
class Verified:
    """The matches that agree with one movement.

    >>> import numpy as np
    >>> a = np.array([[0, 0, 1, 0], [9, 0, 1, 0], [0, 9, 1, 0], [9, 9, 1, 0], [5, 5, 1, 0]], dtype=float)
    >>> b = a + [3, 4, 0, 0]
    >>> b[4, :2] = [90, 2]  # this one moved elsewhere
    >>> verify(a, b, np.ones(5), diagonal=20.0).inliers.tolist()
    [0, 1, 2, 3]
    """

    inliers: IntArray
    """Indices of the matches that agree, ascending."""
    closeness: Float64Array
    """For each inlier 1 minus its distance from its expected point in units of the tolerance."""


def verify(
    a: FloatArray,
    b: FloatArray,
    weights: FloatArray,
    *,
    diagonal: float,
    largest_shift: float = LARGEST_SHIFT,
    largest_growth: float = LARGEST_GROWTH,
    largest_turn: float = LARGEST_TURN,
    fewest_inliers: int = FEWEST_INLIERS,
) -> Verified:
    """The matches of keypoints a, b (m, 4) with weights (m,) that agree; none if fewer than enough agree.

    diagonal: that of the chip of b in pixels.
    """
    nothing = Verified(np.zeros(0, dtype=np.int64), np.zeros(0))
    if len(a) < fewest_inliers:
        return nothing
    tolerance = largest_shift * diagonal**2
    shapes_a, shapes_b = _shapes(a), _shapes(b)
    from_a, to_b = _complex(a), _complex(b)
    movements = shapes_b / shapes_a
    moved = movements[:, None] * (from_a[None, :] - from_a[:, None]) + to_b[:, None]
    distances = _squared(moved - to_b[None, :])
    agree = (distances < tolerance) & _alike(
        movements[:, None] / movements[None, :], largest_growth, largest_turn
    )
    best = int(np.argmax(agree @ weights.astype(np.float64)))
    inliers = np.flatnonzero(agree[best])
    if len(inliers) < fewest_inliers:
        return nothing
    errors = distances[best]
    homography = _homography(a[inliers, :2], b[inliers, :2])
    if homography is not None:
        moved_a = _project(homography, from_a)
        shapes = _project(homography, from_a + shapes_a) - moved_a
        errors = _squared(moved_a - to_b)
        with np.errstate(divide="ignore", invalid="ignore"):
            fits = (errors < tolerance) & _alike(shapes / shapes_b, largest_growth, largest_turn)
        inliers = np.flatnonzero(fits)
        if len(inliers) < fewest_inliers:
            return nothing
    return Verified(inliers, 1.0 - np.sqrt(errors[inliers] / tolerance))


def _complex(points: FloatArray) -> ComplexArray:
    """Points (n, 2 or more) as complex numbers, in which a similarity is a product and a sum."""
    return np.asarray(points[:, 0].astype(np.float64) + 1j * points[:, 1].astype(np.float64))


def _shapes(points: FloatArray) -> ComplexArray:
    """Scale and angle of keypoints (n, 4) as complex numbers."""
    return np.asarray(points[:, 2].astype(np.float64) * np.exp(1j * points[:, 3].astype(np.float64)))


def _squared(numbers: ComplexArray) -> Float64Array:
    return np.asarray(numbers.real**2 + numbers.imag**2)


def _alike(ratios: ComplexArray, largest_growth: float, largest_turn: float) -> BoolArray:
    """Whether shapes whose ratios these are have about one area and one angle."""
    areas = _squared(ratios)
    turned = np.abs(np.angle(ratios)) < largest_turn
    return np.asarray((areas < largest_growth) & (areas > 1.0 / largest_growth) & turned)


def _homography(a: FloatArray, b: FloatArray) -> Float64Array | None:
    """The homography (3, 3) that maps points a to b (m, 2) by least squares; None if there is none."""
    if len(a) < FEWEST_FOR_HOMOGRAPHY:
        return None
    (u, to_u), (v, to_v) = _whitened(a), _whitened(b)
    rows = np.concatenate([_equations(u, v[:, 0], 0), _equations(u, v[:, 1], 3)])
    _, strengths, solutions = np.linalg.svd(rows)
    # points on one line leave more than one solution
    if strengths[7] < DEGENERATE * strengths[0]:
        return None
    return np.asarray(np.linalg.inv(to_v) @ solutions[8].reshape(3, 3) @ to_u)


def _whitened(points: FloatArray) -> tuple[Float64Array, Float64Array]:
    """Points (m, 2) moved to mean 0 and deviation 1, which keeps the equations sound, and the map (3, 3)."""
    centre = points.mean(axis=0, dtype=np.float64)
    spread = np.maximum(np.std(points - centre), 1e-9)
    return np.asarray((points - centre) / spread), np.array(
        [[1, 0, -centre[0]], [0, 1, -centre[1]], [0, 0, spread]]
    ) / spread


def _equations(points: Float64Array, coordinates: Float64Array, column: int) -> Float64Array:
    """The linear equations (m, 9) of one coordinate of the mapped points (m, 2)."""
    known = np.column_stack([points, np.ones(len(points))])
    rows = np.zeros((len(points), 9))
    rows[:, column : column + 3] = known
    rows[:, 6:] = -coordinates[:, None] * known
    return rows


def _project(homography: Float64Array, points: ComplexArray) -> ComplexArray:
    """Points (n,) through a homography; those on the horizon become infinite or not a number."""
    mapped = homography @ np.stack([points.real, points.imag, np.ones(len(points))])
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(mapped[0] / mapped[2] + 1j * (mapped[1] / mapped[2]))
