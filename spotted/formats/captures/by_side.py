"""Capture histories from the photographs of one side.

An animal whose two sides nobody linked stands as two individuals: one is seen from the left, one from the
right. Each history of one side counts it once.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping

from spotted.formats.captures.history import CaptureHistory, build_capture_history
from spotted.formats.imported_survey import format_count
from spotted.survey import Detection, Side, Survey

SIDES = {"left": Side.LEFT, "right": Side.RIGHT}


def build_by_side(
    survey: Survey,
    detections: Iterable[Detection],
    individuals: Mapping[str, str],
    *,
    occasion_days: int = 1,
    timezone: str = "UTC",
    day_starts_at_h: float = 0.0,
) -> dict[str, CaptureHistory]:
    """The capture history of the left and of the right side, each with the effort of the whole survey.

    Arguments as for `build_capture_history`. A photograph of another or an unknown side belongs to neither.

    >>> detections = [
    ...     Detection("d1", captured_at_s=0.0, camera_id="C", side=Side.LEFT),
    ...     Detection("d2", captured_at_s=0.0, camera_id="C", side=Side.RIGHT),
    ... ]
    >>> histories = build_by_side(Survey("s", 0.0, 9.0), detections, {"d1": "Asha", "d2": "Tau"})
    >>> histories["left"].individual_ids, histories["right"].individual_ids
    (('Asha',), ('Tau',))
    """
    known = list(detections)
    side_of = {detection.detection_id: detection.side for detection in known}
    return {
        name: build_capture_history(
            survey,
            known,
            {i: individual for i, individual in individuals.items() if side_of.get(i) is side},
            occasion_days=occasion_days,
            timezone=timezone,
            day_starts_at_h=day_starts_at_h,
        )
        for name, side in SIDES.items()
    }


def side_note(detections: Iterable[Detection], individuals: Mapping[str, str]) -> str:
    """A note about animals that may be counted once for each side; "" if there can be none.

    individuals: individual id by detection id.
    """
    sides: defaultdict[str, set[Side]] = defaultdict(set)
    for detection in detections:
        individual_id = individuals.get(detection.detection_id)
        if individual_id:
            sides[individual_id].add(detection.side)
    left, right = (sum(found == {side} for found in sides.values()) for side in SIDES.values())
    if not left or not right:
        return ""
    return (
        f"{format_count(left, 'individual')} seen only from the left and {right:,} only from the right may "
        "be the same animals; count one side (`--for jags`), or compare opposite flanks"
    )
