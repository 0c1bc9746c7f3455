"""Answers to questions in the terminal, by a key or by numbers."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, tzinfo
from pathlib import Path

import click

from spotted.cli.asking.keys import at_terminal, read_key, read_line
from spotted.cli.asking.question_text import describe, describe_group
from spotted.client import Label, QuestionKind, Questions
from spotted.client.answers import burst_answer, gallery_labels, pair_label, skip_labels
from spotted.client.values import BurstAnswer, GroupQuery, PairQuery
from spotted.console import err
from spotted.constraints import Answer
from spotted.survey import Detection

# no key means two things: `n` is an answer to bursts only
ANSWERS = {"s": Answer.SAME, "d": Answer.DIFFERENT, "x": Answer.NOT_COMPARABLE, "k": Answer.SKIP}
YES, NO, SKIP, UNDO, QUIT, NOTE = "y", "n", "k", "u", "q", "t"
PAIR_PROMPT = "same (s), different (d), not comparable (x), skip (k), undo (u), quit (q)"
BURST_PROMPT = "one animal (y), several (n), skip (k), undo (u), quit (q)"
GALLERY_PROMPT = (
    "numbers of the same animal, e.g. 1 3; empty for none; skip (k), undo (u), quit (q); with a note: "
    "1 3: torn ear"
)


@dataclass(frozen=True, slots=True)
class Reply:
    """A person's reply to one question."""

    labels: tuple[Label, ...] = ()
    """Answers to pairs."""

    bursts: tuple[BurstAnswer, ...] = ()
    """Answer to a burst as a whole."""

    undo: bool = False
    """Whether the last answer is to be taken back instead."""


def ask(
    questions: Questions, number: int, annotator_id: str, zone: tzinfo = UTC, *, open_files: bool = False
) -> Reply | None:
    """Show the first question, times in `zone`, and read its answer; None if the person quits.

    open_files: show the photographs in the viewer of this machine.
    """
    if questions.pairs:
        pair = questions.pairs[0]
        click.echo(describe(pair, number, zone))
        _open([pair.first, pair.second], open_files=open_files)
        return _ask_pair(pair, annotator_id)
    group = questions.groups[0]
    click.echo(describe_group(group, number, zone))
    _open([*([group.anchor] if group.anchor else []), *group.detections], open_files=open_files)
    if group.kind is QuestionKind.BURST:
        return _ask_burst(group, annotator_id)
    return _ask_gallery(group, annotator_id)


def _open(detections: list[Detection], *, open_files: bool) -> None:
    """Show the photographs that are files of this machine in its viewer."""
    for detection in detections if open_files else ():
        if not Path(detection.image_uri).is_file():
            err.print(f"no photograph at {detection.image_uri or detection.detection_id}", markup=False)
        elif click.launch(detection.image_uri):
            err.print(f"no viewer opened {detection.image_uri}", markup=False)


def _ask_pair(pair: PairQuery, annotator_id: str) -> Reply | None:
    key, note = _read_answer(PAIR_PROMPT, [*ANSWERS, UNDO, QUIT])
    if key in {UNDO, QUIT}:
        return Reply(undo=True) if key == UNDO else None
    return Reply((pair_label(pair, ANSWERS[key], annotator_id, note),))


def _read_answer(prompt: str, keys: list[str]) -> tuple[str, str]:
    """One of the keys, and the note on the answer.

    A key needs no Enter at a terminal, so that a note has a key of its own there; in a line it comes last.
    """
    note, known = "", [*keys, NOTE] if at_terminal() else keys
    more = ", note (t)" if at_terminal() else f"; a note may follow: {keys[1]} torn ear"
    while True:
        line = read_key(f"{prompt}{more}")
        key, _, follows = line.partition(" ")
        if key in keys:
            return key, follows.strip() or note
        if key in known:
            note = read_line("note")
        else:
            err.print(f"{line!r} does not begin with one of {', '.join(known)}", markup=False)


def _ask_burst(group: GroupQuery, annotator_id: str) -> Reply | None:
    key, note = _read_answer(BURST_PROMPT, [YES, NO, SKIP, UNDO, QUIT])
    if key in {UNDO, QUIT}:
        return Reply(undo=True) if key == UNDO else None
    if key == SKIP:
        return Reply(tuple(skip_labels(group, annotator_id)))
    if key == NO and len(group.detections) > 2:  # noqa: PLR2004 - two frames leave nothing to ask
        err.print("Its frames will be asked as pairs or galleries.")
    return Reply(bursts=(burst_answer(group, annotator_id, one_animal=key == YES, note=note),))


def _ask_gallery(group: GroupQuery, annotator_id: str) -> Reply | None:
    while True:
        line = read_line(GALLERY_PROMPT)
        if line in {UNDO, QUIT}:
            return Reply(undo=True) if line == UNDO else None
        if line == SKIP:
            return Reply(tuple(skip_labels(group, annotator_id)))
        numbers, _, note = line.partition(":")
        keys = numbers.replace(",", " ").split()
        if all(key.isdecimal() and 1 <= int(key) <= len(group.detections) for key in keys):
            same_ids = {group.detections[int(key) - 1].detection_id for key in keys}
            return Reply(tuple(gallery_labels(group, same_ids, annotator_id, note.strip())))
        err.print(f"{numbers!r} is not a list of numbers from 1 to {len(group.detections)}", markup=False)
