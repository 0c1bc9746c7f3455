"""Questions in the terminal: shown as text, answered by a key or by numbers."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo

import click

from spotted.client import Label, QuestionKind, Questions
from spotted.client.answers import burst_answer, gallery_labels, skip_labels
from spotted.client.values import BurstAnswer, GroupQuery, PairQuery, StoredLabel
from spotted.console import err
from spotted.constraints import Answer, LabelEffect
from spotted.survey import Detection

ANSWERS = {"s": Answer.SAME, "d": Answer.DIFFERENT, "n": Answer.NOT_COMPARABLE, "k": Answer.SKIP}
YES, NO, SKIP, QUIT = "y", "n", "k", "q"
PAIR_PROMPT = "same (s), different (d), not comparable (n), skip (k), quit (q); a note may follow: d torn ear"
BURST_PROMPT = "one animal (y), several (n), skip (k), quit (q)"
GALLERY_PROMPT = (
    "numbers of the same animal, e.g. 1 3; empty for none; skip (k), quit (q); with a note: 1 3: torn ear"
)
SECONDS_PER_HOUR = 3600.0


@dataclass(frozen=True, slots=True)
class Reply:
    """A person's reply to one question."""

    labels: tuple[Label, ...] = ()
    """Answers to pairs."""

    bursts: tuple[BurstAnswer, ...] = ()
    """Answer to a burst as a whole."""


def ask(questions: Questions, number: int, annotator_id: str, zone: tzinfo = UTC) -> Reply | None:
    """Show the first question, times in `zone`, and read its answer; None if the person quits."""
    if questions.pairs:
        click.echo(describe(questions.pairs[0], number, zone))
        return _ask_pair(questions.pairs[0], annotator_id)
    group = questions.groups[0]
    click.echo(describe_group(group, number, zone))
    if group.kind is QuestionKind.BURST:
        return _ask_burst(group, annotator_id)
    return _ask_gallery(group, annotator_id)


def print_effects(outcomes: Iterable[StoredLabel]) -> None:
    """Print the effects of an answer that its annotator should know about, each message once."""
    for words in dict.fromkeys(filter(None, map(_effect_text, outcomes))):
        err.print(words, markup=False, soft_wrap=True)


def describe(pair: PairQuery, number: int, zone: tzinfo = UTC) -> str:
    """A question as text: the reason, both photographs with cameras and times, the journey between them."""
    lines = [f"\nQuestion {number}: {pair.reason}"]
    lines += [f"  {_describe_detection(d, zone)}" for d in (pair.first, pair.second)]
    if pair.distance_m is None or pair.gap_s is None:
        lines.append("  distance or time unknown")
    else:
        speed = pair.needed_speed_kmh
        needed = "" if speed is None else f", needs {speed:.1f} km/h"
        lines.append(f"  {pair.distance_m / 1000:.1f} km apart within {_duration(pair.gap_s)}{needed}")
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
            return "one of the detections was deleted from the survey; the answer is kept, and shows nowhere"
    return ""


def _ask_pair(pair: PairQuery, annotator_id: str) -> Reply | None:
    while True:
        line = click.prompt(PAIR_PROMPT, err=True).strip()
        key, _, note = line.partition(" ")
        if line == QUIT:
            return None
        if key in ANSWERS:
            ids = pair.first.detection_id, pair.second.detection_id
            return Reply((Label(*ids, ANSWERS[key], annotator_id, note=note.strip()),))
        err.print(f"{line!r} does not begin with one of {', '.join([*ANSWERS, QUIT])}", markup=False)


def _ask_burst(group: GroupQuery, annotator_id: str) -> Reply | None:
    key = _choose(BURST_PROMPT, [YES, NO, SKIP, QUIT])
    if key == QUIT:
        return None
    if key == SKIP:
        return Reply(tuple(skip_labels(group, annotator_id)))
    if key == NO and len(group.detections) > 2:  # noqa: PLR2004 - two frames leave nothing to ask
        err.print("Its frames will be asked as pairs or galleries.")
    return Reply(bursts=(burst_answer(group, annotator_id, one_animal=key == YES),))


def _ask_gallery(group: GroupQuery, annotator_id: str) -> Reply | None:
    while True:
        line = click.prompt(GALLERY_PROMPT, default="", show_default=False, err=True).strip()
        if line == QUIT:
            return None
        if line == SKIP:
            return Reply(tuple(skip_labels(group, annotator_id)))
        numbers, _, note = line.partition(":")
        keys = numbers.replace(",", " ").split()
        if all(key.isdecimal() and 1 <= int(key) <= len(group.detections) for key in keys):
            same_ids = {group.detections[int(key) - 1].detection_id for key in keys}
            return Reply(tuple(gallery_labels(group, same_ids, annotator_id, note.strip())))
        err.print(f"{numbers!r} is not a list of numbers from 1 to {len(group.detections)}", markup=False)


def _choose(prompt: str, keys: list[str]) -> str:
    key: str = click.prompt(prompt, type=click.Choice(keys), show_choices=False, err=True)
    return key


def _describe_detection(detection: Detection, zone: tzinfo) -> str:
    time = "time unknown"
    if detection.captured_at_s is not None:
        instant = datetime.fromtimestamp(detection.captured_at_s, tz=zone)
        time = instant.strftime("%Y-%m-%d %H:%M:%S %Z")
    camera = f"camera {detection.camera_id}" if detection.camera_id else "camera unknown"
    image = detection.image_uri or "no image"
    return f"{detection.detection_id}: {image}\n    {camera}, {time}"


def _duration(seconds: float) -> str:
    hours = seconds / SECONDS_PER_HOUR
    if hours < 1:
        return f"{seconds / 60:.0f} min"
    return f"{hours:.1f} h" if hours < 48 else f"{hours / 24:.1f} days"  # noqa: PLR2004 - two days
