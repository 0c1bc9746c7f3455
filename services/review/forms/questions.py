"""Questions and journeys."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from services.review.forms.instants import chance, chances, instant, number
from services.review.forms.photos import Json
from spotted.client.values import GroupQuery, PairExplanation, PairQuery, Questions, SurveyInfo
from spotted.journeys import journey_text, opposite_sides
from spotted.scoring.fusion import Fusion
from spotted.survey import Detection

Photo = Callable[[Detection], Json]


def question_forms(questions: Questions, photo: Photo, limit_kmh: float | None) -> list[Json]:
    """The questions in the order of asking: groups answer several pairs at once."""
    groups = [_group_form(group, photo) for group in questions.groups]
    return groups + [_pair_form(pair, photo, limit_kmh) for pair in questions.pairs]


def journey_form(
    distance_m: float | None,
    gap_s: float | None,
    needed_kmh: float | None,
    limit_kmh: float | None,
    station: str = "",
) -> Json:
    """A journey between two photographs."""
    return {
        "distance_m": number(distance_m),
        "gap_s": number(gap_s),
        "speed_kmh": number(needed_kmh),
        "text": journey_text(distance_m, gap_s, limit_kmh=limit_kmh, station=station),
    }


def explanation_form(explained: PairExplanation, survey: SurveyInfo) -> Json:
    """Everything known about one pair of a survey."""
    return {
        "visual": explained.visual,
        "feasibility": number(explained.feasibility),
        "fused": explained.fused,
        "percentile": explained.percentile,
        "reason": explained.reason,
        "journey": journey_form(
            explained.distance_m,
            explained.gap_s,
            explained.needed_speed_kmh,
            survey.feasibility.max_speed_kmh,
            explained.station,
        ),
        "marks": _marks_form(explained, survey),
        "scores": {
            "fusion": explained.score_spec.fusion.name.lower(),
            "calibrated": explained.score_spec.fusion is Fusion.CALIBRATED,
            "head": explained.score_spec.head_digest,
        },
    }


def _marks_form(explained: PairExplanation, survey: SurveyInfo) -> Json:
    """The matched marks of a pair; `matched` is None if its marks were not matched."""
    return {
        "extracted": survey.local_features is not None,
        "matched": None if explained.local is None else explained.matched_marks,
        "points": [
            [one.first_x, one.first_y, one.second_x, one.second_y] for one in explained.matched_points
        ],
    }


def _pair_form(pair: PairQuery, photo: Photo, limit_kmh: float | None) -> Json:
    photos = _asked_photos((pair.first, pair.second), pair.versions, photo)
    return {
        "key": f"pair:{pair.first.detection_id},{pair.second.detection_id}{_key_end(pair.versions)}",
        "kind": "pair",
        "anchor": None,
        "photos": photos,
        "reason": pair.reason,
        "scores": [pair.score],
        "chances": [chance(pair.score) if pair.calibrated else ""],
        "calibrated": pair.calibrated,
        "journey": journey_form(pair.distance_m, pair.gap_s, pair.needed_speed_kmh, limit_kmh, pair.station),
        "opposite_sides": opposite_sides(pair.first.side, pair.second.side),
        "lease_expires_at": instant(pair.lease_expires_at_s),
    }


def _group_form(group: GroupQuery, photo: Photo) -> Json:
    shown = [*([group.anchor] if group.anchor else []), *group.detections]
    ids = ",".join(detection.detection_id for detection in shown)
    kind, photos = group.kind.name.lower(), _asked_photos(shown, group.versions, photo)
    return {
        "key": f"{kind}:{ids}{_key_end(group.versions)}",
        "kind": kind,
        "anchor": photos[0] if group.anchor else None,
        "photos": photos[1:] if group.anchor else photos,
        "reason": group.reason,
        "scores": list(group.scores),
        "chances": chances(group.scores, calibrated=group.calibrated),
        "calibrated": group.calibrated,
        "journey": None,
        "opposite_sides": False,
        "lease_expires_at": instant(group.lease_expires_at_s),
    }


def _key_end(versions: Sequence[int]) -> str:
    """End of the key: questions about earlier and later pictures of the same detections are two."""
    return "@" + ",".join(map(str, versions)) if any(versions) else ""


def _asked_photos(detections: Sequence[Detection], versions: Sequence[int], photo: Photo) -> list[Json]:
    """The photographs of a question, each with the version that its answer repeats; `null` if unknown."""
    asked: Sequence[int | None] = versions or [None] * len(detections)
    return [photo(one) | {"version": version} for one, version in zip(detections, asked, strict=True)]
