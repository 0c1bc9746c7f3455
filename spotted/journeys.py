"""The journey between two photographs as a phrase."""

from __future__ import annotations

from spotted.survey import Side

SECONDS_PER_HOUR, HOURS_PER_DAY, METRES_PER_KM = 3600.0, 24.0, 1000.0
# speeds at which an animal wanders, walks and runs over hours, km/h (docs/research/provenance.md)
EASY_KMH, BRISK_KMH, FAST_KMH = 1.0, 4.0, 15.0
# below this, distances are in metres, and gaps in minutes or hours
LEAST_KM, LEAST_HOURS, LEAST_DAYS = 1.0, 1.0, 2.0
SAME_PLACE_M = 1.0


def journey_text(
    distance_m: float | None, gap_s: float | None, *, limit_kmh: float | None = None, station: str = ""
) -> str:
    """The time and distance between two photographs, and how hard the journey is.

    limit_kmh: the highest speed that the survey allows; None without one. station: the one that two cameras
        share, "" if none. Returns "" if nothing is known.

    >>> journey_text(2610.0, 9 * 86_400.0), journey_text(0.0, 8 * 86_400.0)
    ('9 days, 2.6 km apart, easy', 'same camera, 8 days later')
    >>> journey_text(30_000.0, 3600.0, limit_kmh=20.0)
    '1 hour, 30 km apart, faster than 20 km/h: not possible'
    >>> journey_text(12.0, 8 * 86_400.0, station="ford")
    'same station ford, 8 days later'
    """
    if station:
        return _later(f"same station {station}", gap_s)
    if distance_m is None:
        return "" if gap_s is None else f"{duration_text(gap_s)}, distance unknown"
    if distance_m < SAME_PLACE_M:
        return _later("same camera", gap_s)
    if gap_s is None:
        return f"{distance_text(distance_m)} apart, time unknown"
    return (
        f"{duration_text(gap_s)}, {distance_text(distance_m)} apart, {_effort(distance_m, gap_s, limit_kmh)}"
    )


def speed_kmh(distance_m: float, gap_s: float) -> float | None:
    """The speed of a journey; None for a gap of 0 between two places."""
    if distance_m == 0:
        return 0.0
    return None if gap_s == 0 else distance_m / METRES_PER_KM / (gap_s / SECONDS_PER_HOUR)


def too_fast(distance_m: float, gap_s: float, limit_kmh: float | None) -> bool:
    """Whether a journey is faster than the survey allows, or than any animal."""
    speed = speed_kmh(distance_m, gap_s)
    return speed is None or speed > (FAST_KMH if limit_kmh is None else limit_kmh)


def duration_text(seconds: float) -> str:
    """A time between two photographs.

    >>> duration_text(40.0), duration_text(5400.0), duration_text(86_400.0 * 3)
    ('40 s', '1.5 hours', '3 days')
    """
    hours = seconds / SECONDS_PER_HOUR
    if seconds < SECONDS_PER_HOUR / 60:
        return f"{seconds:.0f} s"
    if hours < LEAST_HOURS:
        return f"{seconds / 60:.0f} min"
    if hours < LEAST_DAYS * HOURS_PER_DAY:
        return _counted(hours, "hour")
    return _counted(hours / HOURS_PER_DAY, "day")


def distance_text(metres: float) -> str:
    """A distance between two cameras.

    >>> distance_text(240.0), distance_text(2610.0), distance_text(30_000.0)
    ('240 m', '2.6 km', '30 km')
    """
    km = metres / METRES_PER_KM
    return f"{metres:.0f} m" if km < LEAST_KM else f"{_rounded(km)} km"


def opposite_sides(first: Side, second: Side) -> bool:
    """Whether one photograph shows the left and the other the right."""
    return {first, second} == {Side.LEFT, Side.RIGHT}


def _later(place: str, gap_s: float | None) -> str:
    return place if gap_s is None else f"{place}, {duration_text(gap_s)} later"


def _effort(distance_m: float, gap_s: float, limit_kmh: float | None) -> str:
    speed = speed_kmh(distance_m, gap_s)
    if speed is None:
        return "at the same moment: not possible"
    if limit_kmh is not None and speed > limit_kmh:
        return f"faster than {limit_kmh:g} km/h: not possible"
    words = ((EASY_KMH, "easy"), (BRISK_KMH, "a steady walk"), (FAST_KMH, "a run"))
    return next((word for fastest, word in words if speed <= fastest), f"needs {speed:.0f} km/h")


def _counted(value: float, unit: str) -> str:
    text = _rounded(value)
    return f"{text} {unit}" if text == "1" else f"{text} {unit}s"


def _rounded(value: float) -> str:
    """Two digits before ten, whole above."""
    return f"{value:.1f}".removesuffix(".0") if value < 10 else f"{value:.0f}"  # noqa: PLR2004 - two digits
