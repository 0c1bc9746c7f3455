"""An imported survey of drawn coats, and a session that joined the photographs of each animal."""

from __future__ import annotations

from pathlib import Path

from PIL import Image

from spotted.client import Label
from spotted.constraints.answers import Answer
from spotted.formats.sources import recall
from tests.spotted.cli.conftest import Machine
from tests.spotted.client.surveys import SPEC, vectors
from tests.spotted.training.coats import coat_crops

ANIMALS, EACH, SIZE = 9, 4, 16


def import_coats(machine: Machine, survey_id: str, folder: Path) -> None:
    """Import a survey of photographs without names from a folder."""
    crops, _ = coat_crops(ANIMALS, EACH, size=SIZE, seed=0)
    rows = ["detection_id,camera_id,timestamp,image,species,side"]
    for row, crop in enumerate(crops):
        Image.fromarray(crop).save(folder / f"{row:02}.png")
        side = ("left", "right")[row % 2]
        rows.append(f"p{row:02},A,2024-01-02T{row // 60:02}:{row % 60:02}Z,{row:02}.png,drawn,{side}")
    (folder / "cameras.csv").write_text("camera_id,x_m,y_m,start,end\nA,0,0,2024-01-01,2024-01-31\n")
    (folder / "detections.csv").write_text("\n".join(rows) + "\n")
    arguments = ["--cameras", str(folder / "cameras.csv"), "--timezone", "UTC", "--survey", survey_id]
    done = machine.run("import", *arguments, "--detections", str(folder / "detections.csv"))
    assert done.exit_code == 0, done.stderr


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
