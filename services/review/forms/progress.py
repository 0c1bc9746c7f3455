"""The progress of a session, with one sentence of advice."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict
from datetime import tzinfo

from services.review.forms.instants import instant, word
from services.review.forms.photos import Json
from spotted.client.values import AnnotatorProgress, CandidateFilter, Label, Progress, SessionInfo
from spotted.constraints.answers import Answer

MOST_POINTS = 200
# the share of merges that an export should have
ENOUGH = 0.95
MINUTES_PER_HOUR = 60.0


def session_form(session: SessionInfo, zone: tzinfo) -> Json:
    """A session as stored. zone: that of the survey."""
    return {
        "session_id": session.session_id,
        "strategy": session.strategy,
        "trust": word(session.trust),
        "created_at": instant(session.created_at_s),
        "damage": session.damage,
        "only": filter_form(session.only, zone),
    }


def filter_form(only: CandidateFilter, zone: tzinfo) -> Json:
    """The part of a survey that a session asks about: what is set of it."""
    form: Json = {
        "cameras": list(only.camera_ids),
        "from": instant(only.captured_from_s, zone),
        "before": instant(only.captured_before_s, zone),
        "known": only.known_individuals_only,
        "other_encounters": only.exclude_same_encounter,
        "exclude": list(only.exclude_individual_ids),
        "species": list(only.species),
    }
    return {name: value for name, value in form.items() if value}


def progress_form(progress: Progress) -> Json:
    """The progress of a session."""
    return {
        **asdict(progress),
        "trust": word(progress.trust),
        "guarantees": [asdict(one) for one in progress.guarantees],
        "annotators": [annotator_form(one) for one in progress.annotators],
        "advice": advice(progress),
    }


def annotator_form(annotator: AnnotatorProgress) -> Json:
    """The work of one annotator."""
    form = asdict(annotator)
    return {"annotator": form.pop("annotator_id"), **form}


def certified(progress: Progress) -> bool:
    """Whether it is known that at least 95 % of the merges are found; never before questions were planned."""
    return progress.open_pairs is not None and any(
        one.reached for one in progress.guarantees if one.target >= ENOUGH
    )


def advice(progress: Progress) -> str:
    """The next thing to do, as a sentence; "" in the answer to a write, which does not know."""
    reached = [one.target for one in progress.guarantees if one.reached]
    if progress.merges_left_at_most is None:
        return ""
    if progress.open_pairs is None:
        return "Nothing was asked yet: answer the first questions."
    if progress.merges_left_at_most == 0:
        return "Every merge is found; you can stop."
    if reached:
        found = f"With 95 % confidence at least {max(reached):.0%} of the merges are found"
        return f"{found}; you can stop." if max(reached) >= ENOUGH else f"{found}: a little more, then stop."
    left = f"Up to {progress.merges_left_at_most} merges may still be missing"
    minutes = _minutes_left(progress)
    return f"{left}: keep answering." if minutes is None else f"{left}: {minutes} more at your rate."


def curve(labels: Iterable[Label]) -> list[Json]:
    """Merges found against answers, at most 200 points.

    A merge is an answer "same" that joined two groups which no answer had joined before.
    """
    group: dict[str, str] = {}

    def root(one: str) -> str:
        while (above := group.setdefault(one, one)) != one:
            group[one] = group[above]
            one = group[one]
        return one

    merges, points = 0, [(0, 0)]
    for answers, label in enumerate(labels, start=1):
        if label.answer is Answer.SAME:
            first, second = root(label.first_detection_id), root(label.second_detection_id)
            merges += first != second
            group[first] = second
        points.append((answers, merges))
    step = -(-len(points) // MOST_POINTS)
    shown = (
        points[::step] if (len(points) - 1) % step == 0 else [*points[::step][: MOST_POINTS - 1], points[-1]]
    )
    return [{"answers": answers, "merges": merges} for answers, merges in shown]


def _minutes_left(progress: Progress) -> str | None:
    """How long the expected pairs take at the present rate; None if there is no estimate."""
    rate, left = progress.answers_per_minute, progress.estimated_remaining_pairs
    if not rate or left is None:
        return None
    minutes = max(left / rate, 1.0)
    if minutes < MINUTES_PER_HOUR:
        return f"about {left:.0f} questions, {minutes:.0f} min"
    return f"about {left:.0f} questions, {minutes / MINUTES_PER_HOUR:.1f} h"
