from __future__ import annotations

import json
from pathlib import Path

import pytest

from spotted.cli.corrections.delete import IDS_SHOWN, delete
from spotted.client import SurveyHandle
from tests.spotted.camtrapdp_package import write_package
from tests.spotted.cli.conftest import Machine
from tests.spotted.client.surveys import CAMERAS, COUNT, DETECTIONS, SPEC, survey, vectors


@pytest.fixture
def handle(machine: Machine, survey_id: str) -> SurveyHandle:
    made = machine.spotted.create_survey(survey(survey_id))
    made.add_detections(DETECTIONS, vectors(), SPEC)
    return made


def test_detections_are_deleted_after_a_confirmation(machine: Machine, handle: SurveyHandle) -> None:
    ids = [f"d{n:02}" for n in range(IDS_SHOWN + 1)]
    arguments = ("delete", "detection", handle.survey_id, *ids)
    refused = machine.run(*arguments, answers="n\n")
    assert refused.exit_code == 1
    assert "delete 6 detections (d00, d01, d02, d03, d04 and 1 more)" in refused.stderr
    assert handle.info().detection_count == COUNT
    done = machine.run(*arguments, answers="y\n")
    assert f"6 detections of {handle.survey_id} deleted" in done.stdout
    assert [d.detection_id for d in handle.detections()] == [d.detection_id for d in DETECTIONS[6:]]


def test_an_unknown_id_deletes_nothing(machine: Machine, handle: SurveyHandle) -> None:
    for noun, known in (("detection", "d00"), ("camera", "c0")):
        done = machine.run("delete", noun, handle.survey_id, known, "nosuch", "--yes")
        assert done.exit_code == 4
        assert "'nosuch'; nothing was deleted" in done.stderr
    assert (handle.info().detection_count, handle.info().camera_count) == (COUNT, len(CAMERAS))


def test_a_camera_goes_with_its_detections(machine: Machine, handle: SurveyHandle) -> None:
    theirs = sum(d.camera_id == "c1" for d in DETECTIONS)
    done = machine.run("delete", "camera", handle.survey_id, "c1", "--yes", "--json")
    assert json.loads(done.stdout) == {"survey_id": handle.survey_id, "cameras": 1, "detections": theirs}
    assert all(d.camera_id != "c1" for d in handle.detections())
    assert "c1" not in {c.camera_id for c in handle.cameras()}


def test_a_survey_goes_with_the_record_of_its_import(
    machine: Machine, survey_id: str, tmp_path: Path
) -> None:
    write_package(tmp_path / "package")
    machine.run("import", str(tmp_path / "package"), "--survey", survey_id)
    record = machine.directory / "imports" / f"{survey_id}.json"
    assert record.exists()
    asked = machine.run("delete", "survey", survey_id, answers="n\n")
    assert "3 cameras, 0 detections and 0 sessions? This cannot be undone" in asked.stderr
    done = machine.run("delete", "survey", survey_id, "--yes")
    assert f"survey {survey_id} deleted" in done.stdout
    assert survey_id not in {one.survey_id for one in machine.spotted.surveys()}
    assert not record.exists()
    again = machine.run("delete", "survey", survey_id, "--yes")
    assert again.exit_code == 4
    assert "does not exist" in again.stderr


def test_each_kind_has_its_command() -> None:
    assert set(delete.commands) == {"detection", "camera", "survey"}
