from __future__ import annotations

import json
from pathlib import Path

import pytest

from spotted.cli.session import print_progress, progress_document
from spotted.v1 import sampler_pb2 as pb
from tests.spotted.cli.conftest import Machine
from tests.spotted.client.surveys import DETECTIONS, SPEC, survey, vectors


@pytest.fixture
def answered(machine: Machine, survey_id: str) -> Machine:
    """A survey with a finished session."""
    machine.spotted.create_survey(survey(survey_id))
    machine.spotted.add_detections(survey_id, DETECTIONS, vectors(), SPEC)
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
    spotted = answered.spotted
    assert spotted.progress(survey_id, "copy") == spotted.progress(survey_id, "main")
    assert spotted.labels(survey_id, "copy") == spotted.labels(survey_id, "main")
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
        ("nonsense", "line 3 is no event"),
        ("", "line 3 is no event"),
        ('{"position": "3", "surprise": 1}', "line 3 is no event"),
        ('{"position": "3"}', "line 3: nothing happened"),
        ('{"position": "7"}', "line 3: it says that it is event 7"),
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
    assert f"main.jsonl: {words}" in done.stderr
    assert answered.run("session", "show", survey_id, "--session", "copy").exit_code == 4


def test_bytes_that_are_no_text_are_a_wrong_line(answered: Machine, survey_id: str, tmp_path: Path) -> None:
    file = tmp_path / "main.jsonl"
    export(answered, survey_id, file)
    file.write_bytes(file.read_bytes()[:-40] + bytes(range(128, 168)))
    done = answered.run("session", "import", survey_id, str(file), "--session", "copy")
    assert done.exit_code == 3
    assert "is no event" in done.stderr


def test_a_session_of_another_journal_is_kept(answered: Machine, survey_id: str, tmp_path: Path) -> None:
    file = tmp_path / "main.jsonl"
    lines = export(answered, survey_id, file)
    file.write_text("\n".join(lines[:-1]) + "\n")
    done = answered.run("session", "import", survey_id, str(file))
    assert done.exit_code == 1
    assert "another journal" in done.stderr
    assert answered.spotted.session(survey_id, "main").position == len(lines)


def test_an_unknown_session_leaves_no_file(answered: Machine, survey_id: str, tmp_path: Path) -> None:
    done = answered.run(
        "session", "export", survey_id, "--session", "nosuch", "-o", str(tmp_path / "a.jsonl")
    )
    assert done.exit_code == 4
    assert list(tmp_path.glob("*.jsonl*")) == []


STATE = pb.Progress(
    detections=12,
    individuals=4,
    summary="in words.",
    trust=pb.TRUST_VERIFIED,
    agreement=0.9,
    kappa=0.75,
    guarantees=[pb.StopGuarantee(target=0.9, reached=True), pb.StopGuarantee(target=0.98)],
    audit=pb.Audit(answered=3, same=1, open_pairs=50, same_at_most=20),
    annotators=[
        pb.AnnotatorProgress(annotator_id="anna", answers=7, false_same_rate=0.012, answers_per_minute=5.5),
        pb.AnnotatorProgress(annotator_id="ben", answers=1),
    ],
)


def test_the_document_holds_what_is_known_and_null_for_the_rest() -> None:
    told = json.loads(json.dumps(progress_document(STATE)))
    assert told["guarantees"] == {"0.90": True, "0.98": False}
    assert told["audit"] == {"answered": 3, "same": 1, "open_pairs": 50, "same_at_most": 20}
    assert [one["answers"] for one in told["annotators"]] == [7, 1]
    assert told["annotators"][1]["false_same_rate"] is None
    assert (told["trust"], told["agreement"], told["kappa"]) == ("verified", 0.9, 0.75)
    empty = progress_document(pb.Progress())
    for unknown in ("audit", "agreement", "kappa", "open_pairs", "merges_left_at_most", "trust"):
        assert empty[unknown] is None


def test_the_text_tells_the_summary_the_agreement_and_the_annotators(
    capsys: pytest.CaptureFixture[str],
) -> None:
    print_progress(STATE)
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "in words."
    assert lines[1].endswith("90%, kappa 0.75")
    rows = [line.split() for line in lines if line.strip().startswith(("anna", "ben"))]
    assert rows == [["anna", "7", "5.5", "1.2%"], ["ben", "1"]]


def test_a_session_without_answers_has_no_table(capsys: pytest.CaptureFixture[str]) -> None:
    print_progress(pb.Progress(summary="nothing yet."))
    assert capsys.readouterr().out == "nothing yet.\n"
