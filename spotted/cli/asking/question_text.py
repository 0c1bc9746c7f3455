"""Questions in the terminal, as text."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, tzinfo

from spotted.client.values import GroupQuery, PairQuery, StoredLabel
from spotted.console import err
from spotted.constraints import LabelEffect
from spotted.journeys import journey_text, opposite_sides
from spotted.survey import Detection, Side


def print_effects(outcomes: Iterable[StoredLabel]) -> None:
    """Print the effects of an answer that its annotator should know about, each message once."""
    for words in dict.fromkeys(filter(None, map(_effect_text, outcomes))):
        err.print(words, markup=False, soft_wrap=True)


def describe(pair: PairQuery, number: int, zone: tzinfo = UTC) -> str:
    """A question as text: the reason, both photographs with cameras and times, the journey between them."""
    lines = [f"\nQuestion {number}: {pair.reason}"]
    lines += [f"  {_describe_detection(d, zone)}" for d in (pair.first, pair.second)]
    if opposite_sides(pair.first.side, pair.second.side):
        lines.append("  opposite sides: one shows the left, the other the right")
    journey = journey_text(pair.distance_m, pair.gap_s, station=pair.station)
    lines.append(f"  {journey or 'distance and time unknown'}")
    return "\n".join(lines)


def describe_group(group: GroupQuery, number: int, zone: tzinfo = UTC) -> str:
    """A burst or a gallery as text, with its candidates numbered."""
    lines = [f"\nQuestion {number}: {group.reason}"]
    if group.anchor is not None:
        lines.append(f"  {_describe_detection(group.anchor, zone)}")
    for key, detection in enumerate(group.detections, start=1):
        lines.append(f"  [{key}] {_describe_detection(detection, zone)}")
    return "\n".join(lines)


def _effect_text(outcome: StoredLabel) -> str:
    if outcome.conflict is not None:
        return f"kept as a conflict: {outcome.conflict.message}"
    match outcome.effect:
        case LabelEffect.PENDING:
            return "not enough evidence yet to decide; the pair is asked again"
        case LabelEffect.SPLIT:
            return "earlier answers merged what this one separates; the group was split"
        case LabelEffect.REOPENED:
            return "earlier answers separated what this one merges; it is asked again"
        case LabelEffect.GONE:
            return (
                "one of the photographs was deleted or replaced before your answer came; the answer is kept "
                "with the earlier photograph, and the pair is asked again if it is still open"
            )
    return ""


def _describe_detection(detection: Detection, zone: tzinfo) -> str:
    time = "time unknown"
    if detection.captured_at_s is not None:
        instant = datetime.fromtimestamp(detection.captured_at_s, tz=zone)
        time = instant.strftime("%Y-%m-%d %H:%M:%S %Z")
    camera = f"camera {detection.camera_id}" if detection.camera_id else "camera unknown"
    image = detection.image_uri or "no image"
    side = "" if detection.side is Side.UNKNOWN else f", {detection.side.name.lower()} side"
    return f"{detection.detection_id}: {image}\n    {camera}, {time}{side}"
