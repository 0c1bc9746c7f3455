from __future__ import annotations

from pathlib import Path

import pytest

from services.review.routes.export import as_csv
from spotted.cli.sessions.learned_names import LearnedNames, read_learned
from spotted.cli.sessions.session_files import is_session_file, read_session_file
from spotted.constraints.trust import Trust
from spotted.errors import InvalidInputError, PreconditionError
from spotted.formats.sources import recall
from tests.spotted.cli.answered import EACH, answer, import_coats
from tests.spotted.cli.conftest import Machine


@pytest.fixture
def answered(machine: Machine, survey_id: str, tmp_path: Path) -> Machine:
    """The survey of drawn coats with its session."""
    import_coats(machine, survey_id, tmp_path)
    answer(machine, survey_id)
    return machine


def read(machine: Machine, survey_id: str, path: Path) -> LearnedNames:
    return read_session_file(path, survey_id, recall(machine.directory, survey_id))


def test_what_a_session_exports_gives_the_names_that_it_gives(
    answered: Machine, survey_id: str, tmp_path: Path
) -> None:
    handle = answered.spotted.survey(survey_id)
    session = handle.session("main")
    # what a person says, and what verified trust weighs, are in the file too
    session.update(trust=Trust.VERIFIED)
    first, *_ = session.individuals()
    session.individual(first.individual_id).update("ana", display_name="Asha")
    expected = read_learned(handle, "main")
    journal, copy = tmp_path / "main.jsonl", tmp_path / "copy"
    for command in (["session", "export"], ["export", "--unfinished"]):
        target = str(copy if "--unfinished" in command else journal)
        done = answered.run(*command, survey_id, "--session", "main", "-o", target)
        assert done.exit_code == 0, done.output
    assert read(answered, survey_id, journal) == expected
    assert "Asha" in expected.names.values()
    assert expected.left_out == 2

    table = tmp_path / "individuals-main.csv"
    table.write_text(as_csv(list(session.individuals())))
    by_table = read(answered, survey_id, table)
    by_copy = read(answered, survey_id, copy)
    assert by_table.names == by_copy.names
    # without answers nothing is in doubt
    assert len(by_table.names) == len(expected.names) + expected.left_out
    assert expected.names.items() <= by_table.names.items()
    assert by_table.answers_sha256 == by_copy.answers_sha256 != expected.answers_sha256
    assert "names without answers" in by_copy.notes()[0]


def test_files_are_no_sessions_and_wrong_ones_are_refused(
    answered: Machine, survey_id: str, tmp_path: Path
) -> None:
    assert is_session_file("out/leopards")
    assert is_session_file("main.jsonl")
    assert not is_session_file("main-2024.v2")
    with pytest.raises(InvalidInputError, match="no file"):
        read(answered, survey_id, tmp_path / "nosuch.jsonl")
    wrong = tmp_path / "wrong.jsonl"
    wrong.write_text("{}\n")
    with pytest.raises(InvalidInputError, match=r"wrong.jsonl: event 1: its position is 0; send every event"):
        read(answered, survey_id, wrong)
    with pytest.raises(InvalidInputError, match="give the survey as the source"):
        read_session_file(tmp_path, "", None)
    few = tmp_path / "few.csv"
    few.write_text("detection_id,individual_id,display_name\n" + "".join(f"p{n},i,\n" for n in range(EACH)))
    with pytest.raises(
        PreconditionError,
        match=r"few\.csv' of .* has 1 individual .* at least 8: answer more, and export again",
    ):
        read(answered, survey_id, few)


def test_texts_that_a_table_escapes_are_read_as_they_were(tmp_path: Path) -> None:
    table = tmp_path / "names.csv"
    rows = [f"'-{n},'=ind-{n // 2},\n" for n in range(16)]
    table.write_text("detection_id,individual_id,display_name\n" + "".join(rows))
    names = read_session_file(table, "", None).names
    assert names["-3"] == "=ind-1"
