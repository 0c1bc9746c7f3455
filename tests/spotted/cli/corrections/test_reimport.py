from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import Result

from spotted.cli.corrections.reimport import lines, read_changes
from spotted.client.ingest import boxed
from spotted.formats import ImportedSurvey
from spotted.formats.sources import recall
from tests.spotted.camtrapdp_package import write_package
from tests.spotted.cli.conftest import Machine
from tests.spotted.client.surveys import SPEC

CAMERAS = "camera_id,x_m,y_m,start,end\nA,0,0,2024-01-01,2024-01-31\nB,500,0,2024-01-01,2024-01-31\n"
DETECTIONS = """detection_id,camera_id,timestamp,image,image_id,side,encounter_id,individual_id
d1,A,2024-01-02T00:00Z,a.jpg,i1,left,e1,anna
d2,A,2024-01-03T00:00Z,b.jpg,i2,,,
d3,B,2024-01-04T00:00Z,c.jpg,i3,right,,ben
"""


class Tables:
    """Two CSV files that are imported, edited and imported again."""

    def __init__(self, machine: Machine, survey_id: str, directory: Path) -> None:
        self.machine, self.survey_id = machine, survey_id
        self.cameras, self.detections = directory / "cameras.csv", directory / "detections.csv"
        self.cameras.write_text(CAMERAS)
        self.detections.write_text(DETECTIONS)
        assert self.run().exit_code == 0
        store(machine, survey_id)

    def run(self, *options: str, as_json: bool = False) -> Result:
        tables = ("--cameras", str(self.cameras), "--detections", str(self.detections))
        shown = ("--json",) if as_json else ()
        return self.machine.run(
            "import", *tables, "--survey", self.survey_id, "--timezone", "UTC", *options, *shown
        )

    def document(self, *options: str) -> dict[str, Any]:
        done = self.run(*options, as_json=True)
        assert done.exit_code == 0, done.output
        document: dict[str, Any] = json.loads(done.stdout)
        return document

    def edit(self, before: str, after: str) -> None:
        for path in (self.cameras, self.detections):
            path.write_text(path.read_text().replace(before, after))

    def agree(self) -> bool:
        """Whether the survey is what the files say."""
        return not read_changes(
            self.machine.spotted.survey(self.survey_id), read(self.machine, self.survey_id)
        )


def read(machine: Machine, survey_id: str) -> ImportedSurvey:
    return recall(machine.directory, survey_id).read(survey_id)


def store(machine: Machine, survey_id: str) -> None:
    """Store the detections of the files, as `spotted embed` does."""
    detections = [boxed(picture) for picture in read(machine, survey_id).pictures]
    vectors = np.random.default_rng(0).normal(size=(len(detections), SPEC.dimension))
    added = machine.spotted.survey(survey_id).add_detections(detections, vectors, SPEC)
    assert added.added == len(detections)


@pytest.fixture
def tables(machine: Machine, survey_id: str, tmp_path: Path) -> Tables:
    return Tables(machine, survey_id, tmp_path)


def test_what_was_not_edited_is_no_change(tables: Tables) -> None:
    before = tables.machine.spotted.survey(tables.survey_id).info()
    changes = tables.document()["changes"]
    nothing: dict[str, object] = {"added": [], "changed": {}, "removed": []}
    assert changes == {"survey": {}, "cameras": nothing, "detections": nothing, "to_embed_again": []}
    assert tables.machine.spotted.survey(tables.survey_id).info() == before


@pytest.mark.parametrize(
    ("before", "after", "shown"),
    [
        (
            "2024-01-02T00:00Z",
            "2024-01-02T06:00Z",
            "detection 'd1': captured_at 2024-01-02T00:00:00.000Z -> 2024-01-02T06:00:00.000Z",
        ),
        ("e1,anna", "e1,cleo", "detection 'd1': individual_id 'anna' -> 'cleo'"),
        ("e1,anna", "e1,", "detection 'd1': individual_id 'anna' -> ''"),
        ("i3,right", "i3,left", "detection 'd3': side right -> left"),
        ("left,e1", "left,e2", "detection 'd1': encounter_id 'e1' -> 'e2'"),
        ("d2,A", "d2,B", "detection 'd2': camera_id 'A' -> 'B'"),
        ("B,500,0", "B,700,0", "camera 'B': x_m 500.0 -> 700.0"),
    ],
)
def test_an_edited_cell_is_shown_and_carried_out(tables: Tables, before: str, after: str, shown: str) -> None:
    tables.edit(before, after)
    dry = tables.run("--dry-run")
    assert f"changed: {shown}" in dry.stdout
    assert "nothing was changed" in dry.stdout
    assert not tables.agree()
    done = tables.run()
    assert "changed: " in done.stdout
    assert tables.agree()


def test_a_corrected_period_and_the_times_in_it_are_carried_out_together(tables: Tables) -> None:
    # a camera whose year was wrong, and its detections with it
    tables.edit("2024-01", "2023-01")
    assert tables.run().exit_code == 0
    assert tables.agree()
    info = tables.machine.spotted.survey(tables.survey_id).info()
    assert info.end_s < 1_700_000_000.0


def test_removed_rows_are_named_and_stay_until_it_is_said_otherwise(
    tables: Tables, monkeypatch: pytest.MonkeyPatch
) -> None:
    tables.edit("d3,B,2024-01-04T00:00Z,c.jpg,i3,right,,ben\n", "")
    tables.edit("B,500,0,2024-01-01,2024-01-31\n", "")
    kept = tables.run()
    assert {"removed: detection 'd3'", "removed: camera 'B'"} <= set(kept.stdout.splitlines())
    assert "--delete-removed" in kept.stderr
    handle = tables.machine.spotted.survey(tables.survey_id)
    assert [d.detection_id for d in handle.detections()] == ["d1", "d2", "d3"]
    monkeypatch.setattr("spotted.cli.corrections.outcome.is_interactive", lambda: True)
    arguments = ["import", "--cameras", str(tables.cameras), "--detections", str(tables.detections)]
    arguments += ["--survey", tables.survey_id, "--timezone", "UTC"]
    refused = tables.machine.run(*arguments, answers="n\n")
    assert "delete 1 detection and 1 camera" in refused.stderr
    assert len(list(handle.detections())) == 3
    accepted = tables.machine.run(*arguments, answers="y\n")
    assert accepted.exit_code == 0, accepted.output
    assert tables.agree()
    assert [c.camera_id for c in handle.cameras()] == ["A"]


def test_removed_rows_are_deleted_with_the_option(tables: Tables) -> None:
    tables.edit("d2,A,2024-01-03T00:00Z,b.jpg,i2,,,\n", "")
    dry = tables.document("--dry-run", "--delete-removed")
    assert (dry["changes"]["detections"]["removed"], dry["removed_deleted"]) == (["d2"], False)
    done = tables.document("--delete-removed")
    assert done["removed_deleted"]
    assert tables.agree()


def test_another_image_waits_for_its_vector(tables: Tables) -> None:
    tables.edit("a.jpg,i1", "x.jpg,i9")
    done = tables.document()
    assert done["changes"]["to_embed_again"] == ["d1"]
    assert any("run `spotted embed` to embed them again" in note for note in done["notes"])
    stored = list(tables.machine.spotted.survey(tables.survey_id).detections())
    assert stored[0].image_id == "i1"


def test_new_rows_are_added_and_counted(tables: Tables) -> None:
    tables.edit("d2,A", "d9,A,2024-01-05T00:00Z,z.jpg,i8,,,\nd2,A")
    done = tables.run()
    assert "added: 1 detection, such as 'd9'" in done.stdout
    assert "4 detections to embed" in done.stdout


def test_a_dry_run_of_a_new_survey_stores_nothing(machine: Machine, survey_id: str, tmp_path: Path) -> None:
    write_package(tmp_path / "package")
    done = machine.run("import", str(tmp_path / "package"), "--survey", survey_id, "--dry-run")
    assert done.exit_code == 0, done.output
    assert survey_id not in {s.survey_id for s in machine.spotted.surveys()}
    assert not list((machine.directory).glob("imports/*"))


def edit_first(path: Path, column: str, value: Callable[[str], str]) -> str:
    """Change a cell of the first row of a table; returns the row's id."""
    header, first, *rest = path.read_text().splitlines()
    names, cells = header.split(","), first.split(",")
    cells[names.index(column)] = value(cells[names.index(column)])
    path.write_text("\n".join([header, ",".join(cells), *rest]) + "\n")
    return cells[0]


def test_a_package_edited_in_two_tables_is_corrected(
    machine: Machine, survey_id: str, tmp_path: Path
) -> None:
    package = tmp_path / "package"
    write_package(package)
    arguments = ("import", str(package), "--survey", survey_id)
    machine.run(*arguments)
    store(machine, survey_id)
    edit_first(package / "media.csv", "timestamp", lambda cell: cell.replace("2024-06-01", "2024-06-02"))
    detection_id = edit_first(package / "observations.csv", "individualID", lambda _: "zora")
    done = machine.run(*arguments)
    assert done.exit_code == 0, done.output
    assert f"changed: detection {detection_id!r}: individual_id 'anna' -> 'zora'" in done.stdout
    handle = machine.spotted.survey(survey_id)
    assert not read_changes(handle, read(machine, survey_id))
    (stored,) = [d for d in handle.detections() if d.detection_id == detection_id]
    assert stored.individual_id == "zora"
    assert list(lines(read_changes(handle, read(machine, survey_id)))) == []


def test_edits_in_other_files_are_refused_with_the_first_difference(tables: Tables, tmp_path: Path) -> None:
    copy = tmp_path / "copy.csv"
    copy.write_text(tables.detections.read_text().replace("e1,anna", "e1,cleo"))
    tables.detections = copy
    done = tables.run()
    assert done.exit_code == 1
    assert "individual_id 'anna' -> 'cleo'" in done.stderr
    stored = list(tables.machine.spotted.survey(tables.survey_id).detections())
    assert stored[0].individual_id == "anna"


def test_files_that_moved_bring_their_new_paths(tables: Tables, tmp_path: Path) -> None:
    moved = tmp_path / "moved"
    moved.mkdir()
    for path in (tables.cameras, tables.detections):
        path.rename(moved / path.name)
    tables.cameras, tables.detections = moved / "cameras.csv", moved / "detections.csv"
    done = tables.run()
    assert done.exit_code == 0, done.output
    assert tables.agree()
    stored = list(tables.machine.spotted.survey(tables.survey_id).detections())
    assert all(str(moved) in d.image_uri for d in stored)


def test_another_box_waits_for_its_vector(machine: Machine, survey_id: str, tmp_path: Path) -> None:
    package = tmp_path / "package"
    write_package(package)
    arguments = ("import", str(package), "--survey", survey_id)
    machine.run(*arguments)
    store(machine, survey_id)
    detection_id = edit_first(package / "observations.csv", "bboxWidth", lambda _: "0.4")
    done = machine.run(*arguments, "--json")
    assert json.loads(done.stdout)["changes"]["to_embed_again"] == [detection_id]
