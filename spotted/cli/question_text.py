"""Questions in the terminal: shown as text, answered by a key or by numbers."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

import click

from spotted import messages
from spotted.client.answers import burst_answer, gallery_labels, pair_label, skip_labels
from spotted.console import err
from spotted.v1 import sampler_pb2, survey_pb2

ANSWERS = {
    "s": sampler_pb2.ANSWER_SAME,
    "d": sampler_pb2.ANSWER_DIFFERENT,
    "n": sampler_pb2.ANSWER_NOT_COMPARABLE,
    "k": sampler_pb2.ANSWER_SKIP,
}
YES, NO, SKIP, QUIT = "y", "n", "k", "q"
PAIR_PROMPT = "same (s), different (d), not comparable (n), skip (k), quit (q)"
BURST_PROMPT = "one animal (y), several (n), skip (k), quit (q)"
GALLERY_PROMPT = "numbers of the same animal, e.g. 1 3; empty for none; skip (k), quit (q)"
SECONDS_PER_HOUR = 3600.0
# effects that the annotator should know about
EFFECTS = {
    sampler_pb2.LABEL_EFFECT_PENDING: "not enough evidence yet to decide; the pair is asked again",
    sampler_pb2.LABEL_EFFECT_SPLIT: "earlier answers merged what this one separates; the group was split",
    sampler_pb2.LABEL_EFFECT_REOPENED: "earlier answers separated what this one merges; it is asked again",
}


@dataclass(frozen=True, slots=True)
class Reply:
    """A person's answer to one question: labels of pairs, or the answer to a burst."""

    labels: tuple[sampler_pb2.Label, ...] = ()
    bursts: tuple[sampler_pb2.BurstAnswer, ...] = ()


def ask(asked: sampler_pb2.NextPairsResponse, number: int, annotator_id: str) -> Reply | None:
    """Show the first question and read its answer; None if the person quits."""
    if asked.pairs:
        return _ask_pair(asked.pairs[0], number, annotator_id)
    group = asked.groups[0]
    click.echo(describe_group(group, number))
    if group.kind == sampler_pb2.QUESTION_KIND_BURST:
        return _ask_burst(group, annotator_id)
    return _ask_gallery(group, annotator_id)


def tell(outcomes: Iterable[sampler_pb2.LabelOutcome]) -> None:
    """Print what the annotator should know about the effects of an answer, each message once."""
    messages_ = [
        f"kept as a conflict: {outcome.conflict.message}"
        if outcome.HasField("conflict")
        else EFFECTS.get(outcome.effect, "")
        for outcome in outcomes
    ]
    for words in dict.fromkeys(filter(None, messages_)):
        err.print(words, markup=False, soft_wrap=True)


def describe(pair: sampler_pb2.PairQuery, number: int) -> str:
    """A question as text: the reason, both photographs with cameras and times, the journey between them."""
    lines = [f"\nQuestion {number}: {pair.reason}"]
    lines += [f"  {_describe_detection(d)}" for d in (pair.first, pair.second)]
    if pair.HasField("distance_m") and pair.HasField("gap_s"):
        journey = f"{pair.distance_m / 1000:.1f} km apart within {_duration(pair.gap_s)}"
        needed = f", needs {pair.needed_speed_kmh:.1f} km/h" if pair.HasField("needed_speed_kmh") else ""
        lines.append(f"  {journey}{needed}")
    else:
        lines.append("  distance or time unknown")
    return "\n".join(lines)


def describe_group(group: sampler_pb2.GroupQuery, number: int) -> str:
    """A burst or a gallery as text, with its candidates numbered."""
    lines = [f"\nQuestion {number}: {group.reason}"]
    if group.HasField("anchor"):
        lines.append(f"  {_describe_detection(group.anchor)}")
    for number_, detection in enumerate(group.detections, start=1):
        lines.append(f"  [{number_}] {_describe_detection(detection)}")
    return "\n".join(lines)


def _ask_pair(pair: sampler_pb2.PairQuery, number: int, annotator_id: str) -> Reply | None:
    click.echo(describe(pair, number))
    word = _choose(PAIR_PROMPT, [*ANSWERS, QUIT])
    if word == QUIT:
        return None
    ids = pair.first.detection_id, pair.second.detection_id
    return Reply(labels=(pair_label(*ids, ANSWERS[word], annotator_id),))


def _ask_burst(group: sampler_pb2.GroupQuery, annotator_id: str) -> Reply | None:
    word = _choose(BURST_PROMPT, [YES, NO, SKIP, QUIT])
    if word == QUIT:
        return None
    if word == SKIP:
        return Reply(labels=tuple(skip_labels(group, annotator_id)))
    if word == NO and len(group.detections) > 2:  # noqa: PLR2004 - two frames leave nothing to ask
        err.print("Its frames will be asked as pairs or galleries.")
    return Reply(bursts=(burst_answer(group, annotator_id, one_animal=word == YES),))


def _ask_gallery(group: sampler_pb2.GroupQuery, annotator_id: str) -> Reply | None:
    while True:
        words = click.prompt(GALLERY_PROMPT, default="", show_default=False, err=True).strip()
        if words == QUIT:
            return None
        if words == SKIP:
            return Reply(labels=tuple(skip_labels(group, annotator_id)))
        numbers = words.replace(",", " ").split()
        if all(number.isdecimal() and 1 <= int(number) <= len(group.detections) for number in numbers):
            same_ids = {group.detections[int(number) - 1].detection_id for number in numbers}
            return Reply(labels=tuple(gallery_labels(group, same_ids, annotator_id)))
        err.print(f"{words!r}: enter numbers from 1 to {len(group.detections)}", markup=False)


def _choose(prompt: str, words: list[str]) -> str:
    chosen: str = click.prompt(prompt, type=click.Choice(words), show_choices=False, err=True)
    return chosen


def _describe_detection(detection: survey_pb2.Detection) -> str:
    when = "time unknown"
    if detection.HasField("captured_at"):
        instant = datetime.fromtimestamp(messages.seconds(detection.captured_at), tz=UTC)
        when = instant.strftime("%Y-%m-%d %H:%M:%S UTC")
    where = f"camera {detection.camera_id}" if detection.camera_id else "camera unknown"
    image = detection.image_uri or "no image"
    return f"{detection.detection_id}: {image}\n    {where}, {when}"


def _duration(seconds: float) -> str:
    hours = seconds / SECONDS_PER_HOUR
    if hours < 1:
        return f"{seconds / 60:.0f} min"
    return f"{hours:.1f} h" if hours < 48 else f"{hours / 24:.1f} days"  # noqa: PLR2004 - two days
