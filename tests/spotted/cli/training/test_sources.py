from __future__ import annotations

from pathlib import Path

import pytest

from spotted.cli.sessions.learned_names import LearnedNames
from spotted.cli.training.sources import name_photographs, read_sources
from spotted.errors import PreconditionError
from spotted.training.photographs.photograph import Photograph
from spotted.training.runs.folder import read_run
from tests.spotted.cli.answered import ANIMALS, EACH, SIZE, answer, import_coats
from tests.spotted.cli.conftest import Machine
from tests.spotted.training.coat_table import write_coats

SMALL = ["--network", "test_vit", "--size", "32", "--pooling", "default", "--start", "random"]
SMALL += ["--epochs", "1", "--batch", "8", "--warm-up", "0"]


@pytest.fixture
def answered(machine: Machine, survey_id: str, tmp_path: Path) -> Machine:
    """The survey of drawn coats."""
    import_coats(machine, survey_id, tmp_path)
    return machine


def test_photographs_get_the_names_of_the_session_only(tmp_path: Path) -> None:
    (tmp_path / "a.png").touch()
    both = [Photograph(one, tmp_path / f"{one}.png", name="typed") for one in "ab"]
    learned = LearnedNames("leopards", "main", {"a": "Asha", "c": "Tau"}, 0, 1, "", "")
    assert [(one.photograph_id, one.name) for one in name_photographs(both, learned)] == [("a", "Asha")]


def test_a_session_becomes_a_run_that_names_its_answers(
    answered: Machine, survey_id: str, tmp_path: Path
) -> None:
    answer(answered, survey_id)
    command = ["train", survey_id, "-o", str(tmp_path / "run"), *SMALL, "--test-share", "0.25"]
    done = answered.run(*command, "--from-session", "main")
    assert done.exit_code == 0, done.output
    assert "2 detections left out" in done.stderr
    run = read_run(tmp_path / "run")
    assert run.session is not None
    assert (run.session.survey_id, run.session.session_id) == (survey_id, "main")
    assert (run.session.answers, run.session.left_out) == (ANIMALS * (EACH - 1) + 1, 2)
    # the animal of the conflict has two photographs left, too few to learn from
    assert run.individuals <= ANIMALS - 1
    assert len(run.session.answers_sha256) == 64
    assert run.session.answers_sha256 in (tmp_path / "run" / "card.md").read_text()


def test_wrong_sessions_and_sources_are_refused_with_their_remedy(
    answered: Machine, survey_id: str, tmp_path: Path
) -> None:
    command = ["train", survey_id, "-o", str(tmp_path / "run"), *SMALL, "--from-session"]
    table = str(write_coats(tmp_path / "coats", 2, 3, size=SIZE))
    done = answered.run("train", table, *command[2:], "main")
    assert done.exit_code == 3
    assert "give the survey of the session, and tables beside it" in done.stderr
    unknown = answered.run(*command, "nosuch")
    assert unknown.exit_code == 4
    assert "nosuch" in unknown.stderr
    answer(answered, survey_id)
    for photograph in tmp_path.glob("*.png"):
        photograph.unlink()
    gone = answered.run(*command, "main")
    assert gone.exit_code == 6
    assert "no photograph of the individuals of session 'main' is on this machine" in gone.stderr
    assert "mount its folder" in gone.stderr
    session = answered.spotted.survey(survey_id).session("main")
    last = f"p{EACH * 7:02}"
    session.retract_labels(
        [one.label_id for one in session.labels() if one.first_detection_id >= last], "ana"
    )
    few = answered.run(*command, "main")
    assert few.exit_code == 6
    assert (
        "has 7 individuals with two detections that are sure enough; learning needs at least 8" in few.stderr
    )


def test_a_table_of_names_is_enough_for_photographs_with_the_same_ids(
    answered: Machine, tmp_path: Path
) -> None:
    table, copy = tmp_path / "crops.csv", tmp_path / "individuals-main.csv"
    table.write_text("id,file_path,species\n" + "".join(f"p{n:02},{n:02}.png,drawn\n" for n in range(36)))
    rows = [f"p{n:02},ind-{n // EACH}," + ("Asha" if n < EACH else "") for n in range(35)]
    copy.write_text("\n".join(["detection_id,individual_id,display_name", *rows]) + "\n")
    photographs, session = read_sources([str(table)], answered.directory, None, str(copy))
    assert [one.name for one in photographs] == ["Asha"] * EACH + [f"ind-{n // EACH}" for n in range(4, 35)]
    assert session is not None
    assert (session.survey_id, session.session_id, session.answers) == ("", copy.name, 0)
    with pytest.raises(PreconditionError, match="the ids of a table have to be those of the detections"):
        read_sources([str(write_coats(tmp_path / "coats", 2, 3, size=SIZE))], tmp_path, None, str(copy))
