from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from spotted.cli.session import print_progress, progress_document
from spotted.client import Progress
from spotted.client.values import AnnotatorProgress, Audit, StopGuarantee
from spotted.constraints.trust import Trust
from tests.spotted.cli.conftest import Machine
from tests.spotted.client.surveys import DETECTIONS, SPEC, survey, vectors


@pytest.fixture
def answered(machine: Machine, survey_id: str) -> Machine:
    """A survey with a finished session."""
    machine.spotted.create_survey(survey(survey_id)).add_detections(DETECTIONS, vectors(), SPEC)
    done = machine.run("annotate", survey_id, "--oracle")
    assert done.exit_code == 0, done.stderr
    return machine


def export(machine: Machine, survey_id: str, file: Path) -> list[str]:
    done = machine.run("session", "export", survey_id, "-o", str(file))
    assert done.exit_code == 0, done.stderr
    lines = file.read_text().splitlines()
    assert f"{len(lines)} events of session main" in done.stdout
    return lines


def test_an_exported_session_is_imported_as_it_was(answered: Machine, survey_id: str, tmp_path: Path) -> None:
    file = tmp_path / "main.jsonl"
    lines = export(answered, survey_id, file)
    assert [int(json.loads(line)["position"]) for line in lines] == list(range(1, len(lines) + 1))
    assert list(tmp_path.glob("*.part")) == []
    done = answered.run("session", "import", survey_id, str(file), "--session", "copy")
    assert done.exit_code == 0, done.stderr
    assert f"session copy of {survey_id} has {len(lines)} events: " in done.stdout
    handle = answered.spotted.survey(survey_id)
    assert handle.session("copy").progress() == handle.session("main").progress()
    assert handle.session("copy").labels() == handle.session("main").labels()
    again = answered.run("session", "import", survey_id, str(file), "--session", "copy", "--json")
    assert json.loads(again.stdout) == {"session_id": "copy", "events": len(lines)}


def test_a_copy_of_a_copy_has_the_same_lines_but_for_its_ids(
    answered: Machine, survey_id: str, tmp_path: Path
) -> None:
    lines = export(answered, survey_id, tmp_path / "main.jsonl")
    answered.run("session", "import", survey_id, str(tmp_path / "main.jsonl"), "--session", "copy")
    done = answered.run(
        "session", "export", survey_id, "--session", "copy", "-o", str(tmp_path / "copy.jsonl")
    )
    assert done.exit_code == 0, done.stderr
    copied = (tmp_path / "copy.jsonl").read_text().splitlines()
    assert copied[1:] == lines[1:]


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ("nonsense", "not an event of a session"),
        ("", "not an event of a session"),
        ('{"position": "3", "surprise": 1}', "not an event of a session"),
        ('{"position": "3"}', "event 3: "),
        ('{"position": "7"}', "event 3: "),
    ],
)
def test_a_wrong_line_is_named_and_nothing_is_stored(
    answered: Machine, survey_id: str, tmp_path: Path, wrong: str, words: str
) -> None:
    file = tmp_path / "main.jsonl"
    lines = export(answered, survey_id, file)
    file.write_text("\n".join([*lines[:2], wrong, *lines[3:]]) + "\n")
    done = answered.run("session", "import", survey_id, str(file), "--session", "copy")
    assert done.exit_code == 3
    assert f"main.jsonl, line 3: {words}" in done.stderr
    assert answered.run("session", "show", survey_id, "--session", "copy").exit_code == 4


def test_bytes_that_are_not_text_are_a_wrong_line(answered: Machine, survey_id: str, tmp_path: Path) -> None:
    file = tmp_path / "main.jsonl"
    export(answered, survey_id, file)
    file.write_bytes(file.read_bytes()[:-40] + bytes(range(128, 168)))
    done = answered.run("session", "import", survey_id, str(file), "--session", "copy")
    assert done.exit_code == 3
    assert "not an event" in done.stderr


def test_a_session_of_another_journal_is_kept(answered: Machine, survey_id: str, tmp_path: Path) -> None:
    file = tmp_path / "main.jsonl"
    lines = export(answered, survey_id, file)
    file.write_text("\n".join(lines[:-1]) + "\n")
    done = answered.run("session", "import", survey_id, str(file))
    assert done.exit_code == 1
    assert "another journal" in done.stderr
    assert answered.spotted.survey(survey_id).session("main").info().position == len(lines)


def test_an_unknown_session_leaves_no_file(answered: Machine, survey_id: str, tmp_path: Path) -> None:
    done = answered.run(
        "session", "export", survey_id, "--session", "nosuch", "-o", str(tmp_path / "a.jsonl")
    )
    assert done.exit_code == 4
    assert list(tmp_path.glob("*.jsonl*")) == []


EMPTY = Progress(
    detections=0,
    same=0,
    different=0,
    not_comparable=0,
    skipped=0,
    conflicts=0,
    individuals=0,
    same_pairs=0,
    open_pairs=None,
    estimated_remaining_pairs=None,
    answers_per_minute=None,
    summary="no answers yet.",
    position=1,
    merges_left_at_most=None,
    guarantees=(),
    audit=None,
    trust=None,
    pending=0,
    checks=0,
    annotators=(),
    agreement=None,
    kappa=None,
)
STATE = replace(
    EMPTY,
    detections=12,
    individuals=4,
    summary="a summary.",
    trust=Trust.VERIFIED,
    agreement=0.9,
    kappa=0.75,
    guarantees=(StopGuarantee(0.9, reached=True), StopGuarantee(0.98, reached=False)),
    audit=Audit(answered=3, same=1, open_pairs=50, same_at_most=20),
    annotators=(
        AnnotatorProgress("anna", 7, 5.5, 0.012, None),
        AnnotatorProgress("ben", 1, None, None, None),
    ),
)


def test_the_document_has_null_for_unknown_values() -> None:
    document = json.loads(json.dumps(progress_document(STATE)))
    assert document["guarantees"] == {"0.90": True, "0.98": False}
    assert document["audit"] == {"answered": 3, "same": 1, "open_pairs": 50, "same_at_most": 20}
    assert [one["answers"] for one in document["annotators"]] == [7, 1]
    assert document["annotators"][1]["false_same_rate"] is None
    assert (document["trust"], document["agreement"], document["kappa"]) == ("verified", 0.9, 0.75)
    empty = progress_document(EMPTY)
    for unknown in ("audit", "agreement", "kappa", "open_pairs", "merges_left_at_most", "trust"):
        assert empty[unknown] is None


def test_the_text_has_the_summary_the_agreement_and_the_annotators(
    capsys: pytest.CaptureFixture[str],
) -> None:
    print_progress(STATE)
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "a summary."
    assert lines[1].endswith("90%, kappa 0.75")
    rows = [line.split() for line in lines if line.strip().startswith(("anna", "ben"))]
    assert rows == [["anna", "7", "5.5", "1.2%"], ["ben", "1"]]


def test_a_session_without_answers_has_no_table(capsys: pytest.CaptureFixture[str]) -> None:
    print_progress(EMPTY)
    assert capsys.readouterr().out == "no answers yet.\n"


def test_the_sessions_of_a_survey_are_listed(answered: Machine, survey_id: str) -> None:
    options = ("--session", "second", "--trust", "verified", "--strategy", "greedy")
    assert answered.run("annotate", survey_id, *options, answers="q\n").exit_code == 0
    done = answered.run("session", "list", survey_id)
    assert done.exit_code == 0, done.stderr
    assert f"2 sessions of {survey_id}" in done.stdout
    listed = json.loads(answered.run("session", "list", survey_id, "--json").stdout)["sessions"]
    assert [(one["session_id"], one["strategy"]) for one in listed] == [
        ("main", "learned"),
        ("second", "greedy"),
    ]
    assert listed[1]["trust"] == "verified"
