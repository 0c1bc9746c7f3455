"""Capture histories for spatial models, which need the place of every station."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from spotted.errors import InvalidInputError
from spotted.formats.captures.history import CaptureHistory
from spotted.formats.imported_survey import format_count


def keep_placed(history: CaptureHistory, program: str) -> tuple[CaptureHistory, tuple[str, ...]]:
    """A history without the stations whose position is unknown and without their captures, and notes.

    Raises InvalidInputError if no station has a position, or if no individual was captured at one.
    """
    placed = [row for row, camera in enumerate(history.cameras) if camera.has_position]
    stations = {history.cameras[row].camera_id for row in placed}
    captures = tuple(c for c in history.captures if c.camera_id in stations)
    if not captures:
        why = (
            "no station has a position"
            if not placed
            else "no individual was photographed at a placed station"
        )
        raise InvalidInputError(
            f"{program} needs captures at stations with positions, and {why}; give x_m and y_m, or latitude "
            "and longitude, in the table of cameras"
        )
    lost = len(history.cameras) - len(placed)
    note = (
        f"{program}: {format_count(lost, 'station')} without a position left out, with "
        f"{format_count(len(history.captures) - len(captures), 'capture')}"
    )
    kept = replace(
        history,
        cameras=tuple(history.cameras[row] for row in placed),
        usage=history.usage[np.array(placed, dtype=np.intp)],
        effort_days=history.effort_days[np.array(placed, dtype=np.intp)],
        captures=captures,
        individual_ids=tuple(sorted({c.individual_id for c in captures})),
    )
    return kept, (note,) if lost else ()
