from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

from spotted.cli.report import report
from spotted.client import Label
from spotted.constraints.answers import Answer
from spotted.survey import Survey
from tests.spotted.cli.conftest import Machine
from tests.spotted.client.surveys import DETECTIONS, SPEC, survey, vectors
from tests.spotted.photograph_folder import write_photograph


def stored(machine: Machine, survey_id: str, folder: Path, zone: str = "Africa/Harare") -> None:
    """A survey without known identities, with a photograph of each detection but the last."""
    photographs = [str(write_photograph(folder / f"{d.detection_id}.jpg")) for d in DETECTIONS[:-1]]
    unknown = [
        replace(d, individual_id="", image_uri=uri)
        for d, uri in zip(DETECTIONS, [*photographs, str(folder / "gone.jpg")], strict=True)
    ]
    made: Survey = replace(survey(survey_id), time_zone=zone)
    machine.spotted.create_survey(made).add_detections(unknown, vectors(), SPEC)


def test_before_the_first_session_the_page_says_what_to_do(
    machine: Machine, survey_id: str, tmp_path: Path
) -> None:
    stored(machine, survey_id, tmp_path / "photographs")
    output = tmp_path / "new" / "page.html"
    done = machine.run("report", survey_id, "-o", str(output))
    assert done.exit_code == 0, done.output
    assert "12 photographs of animals from 3 cameras, and nobody has compared them yet" in done.stdout
    assert f"next: spotted review {survey_id}" in done.stdout
    page = output.read_text()
    assert "Photographs by camera and week" in page
    assert "those of Africa/Harare" in page


def test_the_individuals_of_a_session_are_shown(machine: Machine, survey_id: str, tmp_path: Path) -> None:
    stored(machine, survey_id, tmp_path / "photographs")
    session = machine.spotted.survey(survey_id).create_session("two")
    session.submit_labels(
        [
            Label("d00", "d04", Answer.SAME, "anna"),
            Label("d03", "d11", Answer.SAME, "anna"),
            Label("d00", "d01", Answer.DIFFERENT, "anna"),
            Label("d01", "d04", Answer.SAME, "anna"),
        ]
    )
    session.individual("ind-d00").rename("Sita", "anna")
    output = tmp_path / "page.html"
    done = machine.run("report", survey_id, "--session", "two", "-o", str(output), "--json")
    assert done.exit_code == 0, done.output
    document = json.loads(done.stdout)
    seen = {one["name"]: one for one in document["individuals"]}
    assert len(seen) == 10
    # 0 and 20,000 seconds after 1970, two hours east of Greenwich
    assert seen["Sita"]["detections"] == ["d00", "d04"]
    assert (seen["Sita"]["first_seen"], seen["Sita"]["cameras"]) == ("1970-01-01", ["c0", "c1"])
    assert len(document["conflicts"]) == 1
    assert document["next"] == [f"spotted review {survey_id} --session two"] * 2
    assert document["unreadable"] == 1
    page = output.read_text()
    assert page.count("data:image/jpeg;base64,") == 3
    assert "Map of Sita: seen at 2 cameras up to 1 km apart" in page
    # the default session is another one
    text = machine.run("report", survey_id, "-o", str(output)).stdout
    assert f"spotted report {survey_id} --session two" in text


def test_a_session_that_does_not_exist_is_named_with_the_others(
    machine: Machine, survey_id: str, tmp_path: Path
) -> None:
    stored(machine, survey_id, tmp_path / "photographs", zone="")
    machine.spotted.survey(survey_id).create_session("two")
    output = tmp_path / "page.html"
    done = machine.run("report", survey_id, "--session", "three", "-o", str(output))
    assert done.exit_code == 4
    assert "has no session 'three'; its sessions are two" in done.stderr
    assert not output.exists()
    assert machine.run("report", "nosuch", "-o", str(output)).exit_code == 4


def test_a_finished_session_is_to_be_exported(machine: Machine, survey_id: str, tmp_path: Path) -> None:
    machine.spotted.create_survey(survey(survey_id)).add_detections(DETECTIONS, vectors(), SPEC)
    assert machine.run("annotate", survey_id, "--oracle").exit_code == 0
    done = machine.run("report", survey_id, "-o", str(tmp_path / "page.html"))
    assert done.exit_code == 0, done.output
    assert "4 individuals were seen in 12 photographs from 3 cameras; 4 more than once" in done.stdout
    assert f"next: spotted export {survey_id} -o OUT" in done.stdout
    assert "photographs that cannot be read on this machine: 8" in done.stderr


def test_the_help_says_that_no_identities_are_needed() -> None:
    assert "No known identities" in str(report.help)
