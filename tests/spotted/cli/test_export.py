from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

import pytest

from spotted.cli.export import CAPTURES, CHANGED, write_changed_names
from spotted.client.session_handle import SessionHandle
from spotted.facts import KnownIndividuals
from spotted.formats.camtrapdp import read_camtrapdp
from spotted.formats.exports import TARGETS
from spotted.formats.layouts import read_camtrapr
from spotted.formats.sources import Source, recall
from spotted.individuals.attributes import Sex
from spotted.individuals.naming import CellChange
from spotted.survey import Detection
from tests.spotted.camtrapdp_package import write_package
from tests.spotted.cli.conftest import Machine
from tests.spotted.client.surveys import SPEC, vectors
from tests.spotted.formats.exports.camtrap_dp_validation import faults


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
    # the oracle found the animals that people had named
    assert (output / "observations.csv").read_bytes() == (
        Path(imported.package) / "observations.csv"
    ).read_bytes()
    typed = {one.individual_id for one in imported.read(survey_id).detections if one.individual_id}
    history = (output / CAPTURES / "capture_history.csv").read_text().splitlines()
    assert {row.split(",")[0] for row in history[1:]} == typed
    again = machine.run("export", survey_id, "-o", str(output))
    assert again.exit_code != 0
    assert "overwrite" in again.stderr or "empty" in again.stderr
    assert machine.run("export", survey_id, "-o", str(output), "--overwrite").exit_code == 0


def test_a_session_goes_out_and_comes_in_again_with_its_names(
    machine: Machine, survey_id: str, imported: Source, tmp_path: Path
) -> None:
    assert machine.run("annotate", survey_id, "--oracle", "--opposite-flanks").exit_code == 0
    programs = [word for target in TARGETS for word in ("--for", target)]
    done = machine.run("export", survey_id, "-o", str(tmp_path / "out"), "--timezone", "+02:00", *programs)
    assert done.exit_code == 0, done.stderr
    assert faults(tmp_path / "out" / "camtrap-dp") == []
    before = imported.read(survey_id)
    again = read_camtrapdp(tmp_path / "out" / "camtrap-dp", images_root=imported.package)
    # the oracle answered for twelve of the thirteen
    known = {d.detection_id: d.individual_id for d in before.detections}
    assert {d.detection_id: d.individual_id for d in again.detections} == known
    assert [p.box for p in again.pictures] == [p.box for p in before.pictures]
    tables = [str(tmp_path / "out" / "camtrapr" / f"{name}.csv") for name in ("records", "stations")]
    records = read_camtrapr(*tables, images_root=imported.package, timezone="+02:00")
    assert sorted(d.individual_id for d in records.detections) == sorted(known.values())


def test_an_unknown_session_is_named_and_nothing_is_written(
    machine: Machine, survey_id: str, imported: Source, tmp_path: Path
) -> None:
    assert imported.package
    done = machine.run("export", survey_id, "-o", str(tmp_path / "out"), "--session", "nosuch")
    assert done.exit_code == 4
    assert "nosuch" in done.stderr
    assert not (tmp_path / "out").exists()


def test_an_unfinished_session_writes_nothing_without_the_option(
    machine: Machine, survey_id: str, imported: Source, tmp_path: Path
) -> None:
    assert imported.package
    assert machine.run("annotate", survey_id, "--oracle", "--limit", "2").exit_code == 0
    refused = machine.run("export", survey_id, "-o", str(tmp_path / "out"))
    assert refused.exit_code == 6
    assert "session 'main'" in refused.stderr
    assert "individuals among 12 detections" in refused.stderr
    assert "--unfinished" in refused.stderr
    assert not (tmp_path / "out").exists()
    done = machine.run("export", survey_id, "-o", str(tmp_path / "out"), "--unfinished", "--json")
    assert done.exit_code == 0, done.stderr
    assert (tmp_path / "out" / CAPTURES / "capture_history.csv").is_file()
    assert f"note: session 'main' of {survey_id!r} is not finished" in done.stderr
    assert "individuals among 12 detections" in json.loads(done.stdout)["unfinished"]
    # the rest of the answers
    assert machine.run("annotate", survey_id, "--oracle").exit_code == 0
    finished = machine.run("export", survey_id, "-o", str(tmp_path / "all"), "--json")
    assert finished.exit_code == 0, finished.stderr
    assert json.loads(finished.stdout)["unfinished"] == ""


CAMERAS = """camera_id,x_m,y_m,start,end
A1,0,0,2023-06-01T00:00:00Z,2023-08-01T00:00:00Z
A2,900,0,2023-06-01T00:00:00Z,2023-08-01T00:00:00Z
"""
# two known animals, photographs without a name, and an id that an earlier export wrote
NAMES = ["Mvula", "Chipembere", "Mvula", "", "", "ind-n0", ""]


@pytest.fixture
def named(machine: Machine, survey_id: str, tmp_path: Path) -> SessionHandle:
    """A session on two CSV files in which people typed names."""
    (tmp_path / "cameras.csv").write_text(CAMERAS)
    rows = [f"n{n},A{1 + n % 2},2023-06-0{n + 1}T05:00:00Z,left,{name}" for n, name in enumerate(NAMES)]
    head = "detection_id,camera_id,timestamp,side,individual_id"
    (tmp_path / "detections.csv").write_text("\n".join([head, *rows]) + "\n")
    files = ("--cameras", str(tmp_path / "cameras.csv"), "--detections", str(tmp_path / "detections.csv"))
    done = machine.run("import", *files, "--survey", survey_id)
    assert done.exit_code == 0, done.stderr
    detections = list(recall(machine.directory, survey_id).read(survey_id).detections)
    handle = machine.spotted.survey(survey_id)
    handle.add_detections(detections, vectors()[: len(NAMES)], SPEC)
    session = handle.create_session("main", strategy="greedy", known_individuals=KnownIndividuals.IGNORED)
    session.next_pairs("anna")
    return session


def exported(machine: Machine, survey_id: str, output: Path) -> tuple[dict[str, Any], dict[str, str]]:
    """The document of the command, and the name in each row."""
    done = machine.run("export", survey_id, "-o", str(output), "--unfinished", "--json")
    assert done.exit_code == 0, done.stderr
    rows = csv.DictReader(io.StringIO((output / "detections.csv").read_text()))
    return json.loads(done.stdout), {row["detection_id"]: row["individual_id"] for row in rows}


def test_typed_names_stay_and_only_unnamed_animals_get_an_id(
    machine: Machine, survey_id: str, named: SessionHandle, tmp_path: Path
) -> None:
    said, names = exported(machine, survey_id, tmp_path / "first")
    assert list(names.values()) == ["Mvula", "Chipembere", "Mvula", "ind-n3", "ind-n4", "ind-n5", "ind-n6"]
    assert said["shared_names"] == {"Mvula": ["ind-n0", "ind-n2"]}
    named.individual("ind-n0").merge(["ind-n3", "ind-n5"], "anna")
    named.individual("ind-n4").rename("Sita", "anna")
    named.individual("ind-n4").merge(["ind-n6"], "anna")
    said, names = exported(machine, survey_id, tmp_path / "second")
    assert list(names.values()) == ["Mvula", "Chipembere", "Mvula", "Mvula", "Sita", "Mvula", "Sita"]
    changed = [(one["detection_id"], one["old"], one["new"]) for one in said["changed"]]
    assert changed == [("n3", "", "Mvula"), ("n4", "", "Sita"), ("n5", "ind-n0", "Mvula"), ("n6", "", "Sita")]
    table = (tmp_path / "second" / CAPTURES / CHANGED).read_text().splitlines()
    assert table[1:] == [",".join(row) for row in changed]
    history = (tmp_path / "second" / CAPTURES / "capture_history.csv").read_text().splitlines()
    assert [row.split(",")[0] for row in history[1:]] == ["Chipembere", "Mvula", "Sita"]


def test_an_individual_with_two_typed_names_is_reported_and_left_as_it_is(
    machine: Machine, survey_id: str, named: SessionHandle, tmp_path: Path
) -> None:
    named.individual("ind-n0").merge(["ind-n1", "ind-n3"], "anna")
    named.individual("ind-n2").rename("Sita", "anna")
    said, names = exported(machine, survey_id, tmp_path / "out")
    assert [names[f"n{n}"] for n in range(4)] == NAMES[:4]
    assert [one["names"] for one in said["conflicts"]] == [["Chipembere", "Mvula"], ["Mvula", "Sita"]]
    done = machine.run("export", survey_id, "-o", str(tmp_path / "text"), "--unfinished")
    assert "left as it is: individual ind-n0 has the names Chipembere, Mvula" in done.stdout
    history = (tmp_path / "out" / CAPTURES / "capture_history.csv").read_text()
    # n3 belongs to one of the two, which nobody knows
    assert "ind-n3" not in history


def test_what_a_person_decides_about_a_believed_name_reaches_the_files(
    machine: Machine, survey_id: str, named: SessionHandle, tmp_path: Path
) -> None:
    assert named.survey_id == survey_id
    session = machine.spotted.survey(survey_id).create_session("believed", strategy="greedy")
    session.next_pairs("anna")
    # both photographs named Mvula are one individual already
    assert session.individual("ind-n2").get().detection_ids[:2] == ("n0", "n2")
    session.individual("ind-n2").move_here(["n3"], "anna")
    options = ("--session", "believed", "-o", str(tmp_path / "out"), "--unfinished", "--json")
    done = machine.run("export", survey_id, *options)
    assert done.exit_code == 0, done.stderr
    assert json.loads(done.stdout)["shared_names"] == {}
    rows = csv.DictReader(io.StringIO((tmp_path / "out" / "detections.csv").read_text()))
    names = {row["detection_id"]: row["individual_id"] for row in rows}
    assert [names[f"n{n}"] for n in range(4)] == ["Mvula", "Chipembere", "Mvula", "Mvula"]


def test_files_for_other_programs_have_the_names_of_the_session(
    machine: Machine, survey_id: str, named: SessionHandle, tmp_path: Path
) -> None:
    individual = named.individual("ind-n3")
    individual.rename("Sita", "anna")
    individual.update("anna", sex=Sex.FEMALE)
    options = ("-o", str(tmp_path / "out"), "--unfinished", "--timezone", "Africa/Harare", "--json")
    programs = ("--for", "oscr", "--for", "secr", "--for", "camtrapr", "--for", "jags", "--for", "wildbook")
    done = machine.run("export", survey_id, *options, *programs)
    assert done.exit_code == 0, done.stderr
    assert json.loads(done.stdout)["written_for"] == list(programs[1::2])
    edf = csv.DictReader(io.StringIO((tmp_path / "out" / "oscr" / "edf.csv").read_text()))
    assert {row["individual"]: row["sex"] for row in edf}["Sita"] == "F"
    assert "Sita female" not in (tmp_path / "out" / "secr" / "traps.txt").read_text()
    records = csv.DictReader(io.StringIO((tmp_path / "out" / "camtrapr" / "records.csv").read_text()))
    assert {row["Individual"]: row["DateTimeOriginal"] for row in records}["Sita"] == "2023-06-04 07:00:00"
    # these cameras have metres only, and nothing is written before that is known
    refused = machine.run(
        "export", survey_id, "-o", str(tmp_path / "no"), "--unfinished", "--for", "camtrap-dp"
    )
    assert refused.exit_code == 3
    assert "latitude and longitude" in refused.stderr
    assert not (tmp_path / "no").exists()


def test_days_of_utc_are_noted_if_no_zone_is_known(
    machine: Machine, survey_id: str, named: SessionHandle, tmp_path: Path
) -> None:
    assert named.survey_id == survey_id
    done = machine.run("export", survey_id, "-o", str(tmp_path / "a"), "--unfinished")
    assert "days and times are those of UTC; --timezone" in done.stderr
    done = machine.run("export", survey_id, "-o", str(tmp_path / "b"), "--unfinished", "--timezone", "UTC")
    assert "days and times" not in done.stderr


def test_changed_names_are_written_as_a_table(tmp_path: Path) -> None:
    write_changed_names([CellChange("a", "", "Sita, the old one")], tmp_path / "out")
    rows = list(csv.reader(io.StringIO((tmp_path / "out" / CHANGED).read_text())))
    assert rows == [["detection", "old", "new"], ["a", "", "Sita, the old one"]]
