from __future__ import annotations

from pathlib import Path

import pytest

from spotted.cli.asking import replies
from spotted.cli.asking.replies import ANSWERS, NO, NOTE, QUIT, UNDO, YES, ask
from spotted.client import QuestionKind, Questions
from spotted.client.values import GroupQuery, PairQuery
from spotted.constraints import Answer
from spotted.survey import Detection

PAIR = PairQuery(Detection("a"), Detection("b"), "why", 0.5, None, None, None, None)
QUESTIONS = Questions((PAIR,), (), finished=False)


def test_no_key_means_two_things() -> None:
    assert len({*ANSWERS, YES, NO, UNDO, QUIT, NOTE}) == len(ANSWERS) + 5


def test_a_note_has_a_key_at_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    keys = iter("tx")
    monkeypatch.setattr(replies, "at_terminal", lambda: True)
    monkeypatch.setattr(replies, "read_key", lambda _: next(keys))
    monkeypatch.setattr(replies, "read_line", lambda _: "torn ear")
    reply = ask(QUESTIONS, 1, "anna")
    assert reply is not None
    (label,) = reply.labels
    assert (label.answer, label.note) == (Answer.NOT_COMPARABLE, "torn ear")


@pytest.mark.parametrize("line", ["y torn ear", "ty"])
def test_a_burst_takes_a_note_from_a_line_and_by_its_key(monkeypatch: pytest.MonkeyPatch, line: str) -> None:
    keys = iter(line if line[0] == NOTE else [line])
    monkeypatch.setattr(replies, "at_terminal", lambda: line[0] == NOTE)
    monkeypatch.setattr(replies, "read_key", lambda _: next(keys))
    monkeypatch.setattr(replies, "read_line", lambda _: "torn ear")
    group = GroupQuery(QuestionKind.BURST, None, (Detection("a"), Detection("b")), "why", (), None)
    reply = ask(Questions((), (group,), finished=False), 1, "anna")
    assert reply is not None
    assert [(one.one_animal, one.note) for one in reply.bursts] == [(True, "torn ear")]


@pytest.mark.parametrize(
    ("source", "keys"), [("terminal", "s, d, x, k, u, q, t"), ("file", "s, d, x, k, u, q")]
)
def test_a_wrong_key_is_answered_with_those_that_there_are(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], source: str, keys: str
) -> None:
    pressed = iter("zq")
    monkeypatch.setattr(replies, "at_terminal", lambda: source == "terminal")
    monkeypatch.setattr(replies, "read_key", lambda _: next(pressed))
    assert ask(QUESTIONS, 1, "anna") is None
    assert f"'z' does not begin with one of {keys}\n" in capsys.readouterr().err


@pytest.mark.parametrize("kind", [QuestionKind.BURST, QuestionKind.GALLERY, None])
@pytest.mark.parametrize(("key", "expected"), [(UNDO, replies.Reply(undo=True)), (QUIT, None)])
def test_every_question_can_be_undone_or_left(
    monkeypatch: pytest.MonkeyPatch, kind: QuestionKind | None, key: str, expected: replies.Reply | None
) -> None:
    questions = QUESTIONS
    if kind is not None:
        anchor = Detection("a") if kind is QuestionKind.GALLERY else None
        group = GroupQuery(kind, anchor, (Detection("b"), Detection("c")), "why", (), None)
        questions = Questions((), (group,), finished=False)
    for reader in ("read_key", "read_line"):
        monkeypatch.setattr(replies, reader, lambda _: key)
    assert ask(questions, 1, "anna") == expected


def test_both_photographs_are_shown_in_the_viewer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files = [tmp_path / "a.jpg", tmp_path / "b.jpg"]
    for file in files:
        file.touch()
    opened: list[str] = []

    def launch(file: str) -> int:
        opened.append(file)
        return 0

    monkeypatch.setattr("click.launch", launch)
    monkeypatch.setattr(replies, "read_key", lambda _: QUIT)
    shown = [Detection(file.stem, image_uri=str(file)) for file in files]
    pair = PairQuery(shown[0], shown[1], "why", 0.5, None, None, None, None)
    ask(Questions((pair,), (), finished=False), 1, "anna", open_files=True)
    assert opened == [str(file) for file in files]
