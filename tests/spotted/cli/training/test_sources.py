from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from spotted.cli.sessions.learned_names import LearnedNames
from spotted.cli.training.sources import name_photographs
from spotted.client import Label
from spotted.constraints.answers import Answer
from spotted.formats.sources import recall
from spotted.training.photographs.photograph import Photograph
from spotted.training.runs.folder import read_run
from tests.spotted.cli.conftest import Machine
from tests.spotted.client.surveys import SPEC, vectors
from tests.spotted.training.coat_table import write_coats
from tests.spotted.training.coats import coat_crops

ANIMALS, EACH, SIZE = 9, 4, 16
SMALL = ["--network", "test_vit", "--size", "32", "--pooling", "default", "--start", "random"]
SMALL += ["--epochs", "1", "--batch", "8", "--warm-up", "0"]


@pytest.fixture
def answered(machine: Machine, survey_id: str, tmp_path: Path) -> Machine:
    """An imported survey of unnamed coats, and a session that joined the photographs of each."""
    crops, _ = coat_crops(ANIMALS, EACH, size=SIZE, seed=0)
    rows = ["detection_id,camera_id,timestamp,image,species,side"]
    for row, crop in enumerate(crops):
        Image.fromarray(crop).save(tmp_path / f"{row:02}.png")
        side = ("left", "right")[row % 2]
        rows.append(f"p{row:02},A,2024-01-02T{row // 60:02}:{row % 60:02}Z,{row:02}.png,drawn,{side}")
    (tmp_path / "cameras.csv").write_text("camera_id,x_m,y_m,start,end\nA,0,0,2024-01-01,2024-01-31\n")
    (tmp_path / "detections.csv").write_text("\n".join(rows) + "\n")
    arguments = ["--cameras", str(tmp_path / "cameras.csv"), "--timezone", "UTC", "--survey", survey_id]
    done = machine.run("import", *arguments, "--detections", str(tmp_path / "detections.csv"))
    assert done.exit_code == 0, done.stderr
    return machine


def answer(machine: Machine, survey_id: str) -> None:
    """Store the photographs of the survey, and join those of each animal but one, which conflicts."""
    handle = machine.spotted.survey(survey_id)
    imported = recall(machine.directory, survey_id).read(survey_id)
    looks = vectors()[[0] * len(imported.detections)]
    handle.add_detections(imported.detections, looks, SPEC)
    session = handle.create_session("main", strategy="greedy")
    labels = [
        Label(f"p{EACH * animal:02}", f"p{EACH * animal + each:02}", Answer.SAME, "ana")
        for animal in range(ANIMALS)
        for each in range(1, EACH)
    ]
    session.submit_labels([*labels, Label("p01", "p02", Answer.DIFFERENT, "ben")])


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
