from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest

from spotted.cli.export import CAPTURES
from spotted.cli.sources import Source, recall
from spotted.survey import Detection
from tests.spotted.camtrapdp_package import write_package
from tests.spotted.cli.conftest import Machine
from tests.spotted.client.surveys import SPEC, vectors


@pytest.fixture
def imported(machine: Machine, survey_id: str, tmp_path: Path) -> Source:
    """A survey of the package, its detections stored with vectors drawn at random."""
    write_package(tmp_path / "package")
    assert machine.run("import", str(tmp_path / "package"), "--survey", survey_id).exit_code == 0
    source = recall(machine.directory, survey_id)
    detections: list[Detection] = list(source.read(survey_id).detections)
    stored = machine.spotted.survey(survey_id).add_detections(detections[:12], vectors(), SPEC)
    assert stored.added == 12
    return source


def test_individuals_are_written_into_a_copy_with_the_capture_history(
    machine: Machine, survey_id: str, imported: Source, tmp_path: Path
) -> None:
    assert imported.package
    assert machine.run("annotate", survey_id, "--oracle").exit_code == 0
    output = tmp_path / "out"
    done = machine.run("export", survey_id, "-o", str(output), "--timezone", "Africa/Harare")
    assert done.exit_code == 0, done.stderr
    rows = csv.DictReader(io.StringIO((output / "observations.csv").read_text()))
    named = {
        row["observationID"]: row["individualID"] for row in rows if row["individualID"].startswith("ind-")
    }
    assert len(named) == 12
    history = (output / CAPTURES / "capture_history.csv").read_text().splitlines()
    assert len(history) == 1 + len(set(named.values()))
    again = machine.run("export", survey_id, "-o", str(output))
    assert again.exit_code != 0
    assert "overwrite" in again.stderr or "empty" in again.stderr
    assert machine.run("export", survey_id, "-o", str(output), "--overwrite").exit_code == 0


def test_an_unknown_session_is_named_and_nothing_is_written(
    machine: Machine, survey_id: str, imported: Source, tmp_path: Path
) -> None:
    assert imported.package
    done = machine.run("export", survey_id, "-o", str(tmp_path / "out"), "--session", "nosuch")
    assert done.exit_code == 4
    assert "nosuch" in done.stderr
    assert not (tmp_path / "out").exists()
