from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

from click.testing import CliRunner

from spotted.cli.import_ import import_survey
from spotted.formats.sources import recall
from tests.spotted.camtrapdp_package import write_package
from tests.spotted.cli.conftest import Machine
from tests.spotted.client.surveys import survey
from tests.spotted.photograph_folder import write_photograph
from tests.spotted.published_tree import write_tree


def test_a_package_becomes_a_survey_and_is_reported_with_its_notes(
    machine: Machine, survey_id: str, tmp_path: Path
) -> None:
    write_package(tmp_path / "package")
    done = machine.run("import", str(tmp_path / "package"), "--survey", survey_id)
    assert done.exit_code == 0
    assert f"survey {survey_id}: 3 cameras, 13 detections to embed" in done.stdout
    assert "projected to EPSG" in done.stderr
    assert machine.spotted.survey(survey_id).info().camera_count == 3


def test_a_package_that_has_grown_is_imported_again_with_a_note(
    machine: Machine, survey_id: str, tmp_path: Path
) -> None:
    cameras, detections = tmp_path / "cameras.csv", tmp_path / "detections.csv"
    cameras.write_text("camera_id,x_m,y_m,start,end\nA,0,0,2024-01-01,2024-01-31\n")
    detections.write_text("detection_id,camera_id,timestamp,image\nd1,A,2024-01-02T00:00Z,a.jpg\n")
    arguments = ["import", "--cameras", str(cameras), "--detections", str(detections), "--survey", survey_id]
    arguments += ["--timezone", "Africa/Harare", "--json"]
    assert machine.run(*arguments).exit_code == 0
    before = machine.spotted.survey(survey_id).info()
    assert before.time_zone == "Africa/Harare"
    cameras.write_text(
        "camera_id,x_m,y_m,start,end\nA,0,0,2024-01-01,2024-01-31\nB,5,5,2024-02-01,2024-03-01\n"
    )
    again = machine.run(*arguments)
    assert again.exit_code == 0, again.stderr
    after = machine.spotted.survey(survey_id).info()
    assert after.end_s > before.end_s
    assert after.camera_count == 2
    assert any("extent" in note for note in json.loads(again.stdout)["notes"])


def test_other_files_cannot_take_the_id_of_a_survey(machine: Machine, survey_id: str, tmp_path: Path) -> None:
    machine.spotted.create_survey(survey(survey_id))
    write_package(tmp_path / "package")
    done = machine.run("import", str(tmp_path / "package"), "--survey", survey_id)
    assert done.exit_code == 1
    assert "choose another survey_id" in done.stderr
    assert machine.spotted.survey(survey_id).info().display_name == "a name"


def test_wrong_files_are_reported_and_leave_no_survey(
    machine: Machine, survey_id: str, tmp_path: Path
) -> None:
    write_package(tmp_path)
    media = tmp_path / "media.csv"
    media.write_text(re.sub(r"(T\d\d:\d\d:\d\d)(Z|[+-]\d\d:?\d\d)", r"\1", media.read_text()))
    done = machine.run("import", str(tmp_path), "--survey", survey_id)
    assert done.exit_code == 3
    assert "media.csv row 2" in done.stderr
    assert survey_id not in {s.survey_id for s in machine.spotted.surveys()}


def test_neither_a_package_nor_both_tables_is_wrong_usage() -> None:
    assert CliRunner().invoke(import_survey).exit_code == 2


def test_a_published_set_becomes_a_survey_and_each_file_passed_over_is_named(
    machine: Machine, survey_id: str, tmp_path: Path
) -> None:
    files = ["A/CAM1_2019-08-01_01-00-00.jpg", "No_ID/x_CAM2_20190801_030000_1.jpg", "A/clip.avi"]
    root = write_tree(tmp_path / "LeopardID102", files)
    done = machine.run("import", str(root), "--layout", "spotted-published", "--survey", survey_id)
    assert done.exit_code == 0, done.output
    assert f"survey {survey_id}: 2 cameras, 2 detections to embed" in done.stdout
    assert "1 file skipped, not a JPEG, PNG or WebP: A/clip.avi" in done.stderr
    assert "only visual similarity can be measured" in done.stderr


def test_a_catalogue_becomes_a_survey_by_its_file_or_its_directory(
    machine: Machine, survey_id: str, tmp_path: Path
) -> None:
    write_tree(tmp_path, ["a.jpg"])
    path = tmp_path / "catalogue.csv"
    path.write_text("path,identity,date,camera\na.jpg,anna,2019-08-01 01:00:00,C1\n")
    for package, suffix in ((path, "file"), (tmp_path, "directory")):
        arguments = ("import", str(package), "--layout", "catalogue", "--survey", f"{survey_id}-{suffix}")
        done = machine.run(*arguments)
        assert "1 camera, 1 detection to embed" in done.stdout, done.output


def test_a_layout_and_the_tables_that_it_does_not_read_are_wrong_usage(tmp_path: Path) -> None:
    table = tmp_path / "cameras.csv"
    table.write_text("camera_id,x_m,y_m\nA,0,0\n")
    here, tables = str(tmp_path), ("--cameras", str(table))
    (tmp_path / "datapackage.json").touch()
    for arguments in (
        (here, *tables),
        (here, *tables, "--detections", str(table)),
        ("--detections", str(table)),
        (*tables, "--detections", str(table), "--layout", "catalogue"),
        (str(table), "--layout", "camtrap-dp"),
        (str(table), "--layout", "spotted-published"),
        (here, "--layout", "spotted-published", "--images", here),
        (here, "--layout", "nosuch"),
        (here, "--layout", "camtrap-dp", "--strict", "--trust-clock", "A"),
    ):
        assert CliRunner().invoke(import_survey, arguments).exit_code == 2, arguments


def test_the_layout_is_recognised_shown_with_the_reason_and_can_be_overridden(
    machine: Machine, survey_id: str, tmp_path: Path
) -> None:
    write_tree(tmp_path, ["a.jpg"])
    table = tmp_path / "leopards.csv"
    table.write_text("path,identity,date,camera\na.jpg,anna,2019-08-01 01:00:00,C1\n")
    done = machine.run("import", str(table), "--survey", survey_id)
    assert done.exit_code == 0, done.output
    assert "read as a catalogue of wildlife-datasets, because" in done.stderr
    again = machine.run("import", str(table), "--survey", survey_id, "--layout", "catalogue", "--json")
    assert json.loads(again.stdout)["layout"] == "catalogue"
    assert not any("read as" in note for note in json.loads(again.stdout)["notes"])


def test_a_directory_of_two_tables_is_imported_as_such(
    machine: Machine, survey_id: str, tmp_path: Path
) -> None:
    (tmp_path / "cameras.csv").write_text("camera_id,x_m,y_m\nA,0,0\n")
    (tmp_path / "detections.csv").write_text("camera_id,timestamp,image\nA,2024-01-02T00:00Z,a.jpg\n")
    done = machine.run("import", str(tmp_path), "--survey", survey_id)
    assert "1 camera, 1 detection to embed" in done.stdout, done.output
    assert "read as two CSV tables" in done.stderr


def test_a_directory_of_no_layout_is_refused_with_what_was_looked_for(
    machine: Machine, tmp_path: Path
) -> None:
    (tmp_path / "thesis.docx").touch()
    done = machine.run("import", str(tmp_path))
    assert done.exit_code == 3
    assert "most like photographs, but JPEG" in done.stderr
    assert "thesis.docx" in done.stderr


def test_a_package_is_imported_from_its_zip_or_its_descriptor(
    machine: Machine, survey_id: str, tmp_path: Path
) -> None:
    write_package(tmp_path / "package")
    shutil.make_archive(str(tmp_path / "export"), "zip", tmp_path, "package")
    shutil.move(tmp_path / "package", tmp_path / "elsewhere")
    for path, suffix in (
        (tmp_path / "export.zip", "zip"),
        (tmp_path / "elsewhere" / "datapackage.json", "json"),
    ):
        done = machine.run("import", str(path), "--survey", f"{survey_id}-{suffix}")
        assert "3 cameras, 13 detections to embed" in done.stdout, done.output
        assert "missing" not in done.stderr
    assert all(
        p.path and p.path.is_file() for p in recall(machine.directory, f"{survey_id}-zip").read().pictures
    )


def test_files_without_a_detection_are_refused_with_the_reasons(
    machine: Machine, survey_id: str, tmp_path: Path
) -> None:
    write_package(tmp_path)
    observations = tmp_path / "observations.csv"
    observations.write_text(observations.read_text().replace(",animal,", ",human,"))
    done = machine.run("import", str(tmp_path), "--survey", survey_id)
    assert done.exit_code == 3
    assert "the files contain no detection to import:" in done.stderr
    assert survey_id not in {s.survey_id for s in machine.spotted.surveys()}


def test_a_strict_import_refuses_what_a_plain_one_leaves_out(
    machine: Machine, survey_id: str, tmp_path: Path
) -> None:
    write_package(tmp_path)
    media = tmp_path / "media.csv"
    media.write_text(media.read_text().replace("2024-06-01T02:00:00+02:00", "2000-01-01T00:00:00+02:00"))
    strict = machine.run("import", str(tmp_path), "--survey", survey_id, "--strict")
    assert strict.exit_code == 3
    assert "media.csv row 2 was taken 1999-12-31T22:00:00+00:00, before its camera 'dep-a'" in strict.stderr
    plain = machine.run("import", str(tmp_path), "--survey", survey_id)
    assert plain.exit_code == 0
    assert "its time is taken as unknown" in plain.stderr


def test_a_folder_of_photographs_becomes_a_survey_with_its_pattern_shown_or_given(
    machine: Machine, survey_id: str, tmp_path: Path
) -> None:
    for station, hour in (("A1", 1), ("B2", 2)):
        write_photograph(tmp_path / station / "100RECNX" / "1.jpg", f"2024:05:01 0{hour}:00:00")
    done = machine.run("import", str(tmp_path), "--survey", survey_id, "--timezone", "Africa/Harare")
    assert done.exit_code == 0, done.output
    assert "read as a folder of photographs" in done.stderr
    assert "stations by the pattern '{station}': 2 stations ('A1', 'B2')" in done.stderr
    assert f"survey {survey_id}: 2 cameras, 2 detections to embed" in done.stdout
    given = machine.run("import", str(tmp_path), "--survey", f"{survey_id}-2", "--station", "*/{station}")
    assert "1 camera, 2 detections" in given.stdout, given.output


def test_a_pattern_of_stations_is_only_for_photographs(tmp_path: Path) -> None:
    (tmp_path / "datapackage.json").touch()
    done = CliRunner().invoke(import_survey, [str(tmp_path), "--station", "{station}"])
    assert done.exit_code == 2
    assert "--station is for --layout photographs" in done.output


def test_boxes_of_megadetector_turn_photographs_into_animals(
    machine: Machine, survey_id: str, tmp_path: Path
) -> None:
    write_photograph(tmp_path / "A1" / "1.jpg", "2024:05:01 01:00:00")
    write_photograph(tmp_path / "A1" / "empty.jpg", "2024:05:01 02:00:00")
    animals = [{"category": "1", "conf": conf, "bbox": [0.1, 0.1, 0.2, 0.2]} for conf in (0.9, 0.15)]
    document = {
        "images": [{"file": "A1/1.jpg", "detections": animals}, {"file": "A1/empty.jpg", "detections": []}],
        "detection_categories": {"1": "animal", "2": "person"},
    }
    (tmp_path / "md.json").write_text(json.dumps(document))
    done = machine.run("import", str(tmp_path), "--survey", survey_id)
    assert "1 camera, 1 detection to embed" in done.stdout, done.output
    assert "with boxes of MegaDetector in md.json" in done.stderr
    assert "1 photograph without an animal of that confidence" in done.stderr
    arguments = ("--boxes", str(tmp_path / "md.json"), "--confidence", "0.1", "--layout", "photographs")
    lower = machine.run("import", str(tmp_path), "--survey", f"{survey_id}-2", *arguments)
    assert "1 camera, 2 detections to embed" in lower.stdout, lower.output


def test_a_table_with_any_titles_is_imported_by_a_map_that_is_shown_and_saved(
    machine: Machine, survey_id: str, tmp_path: Path
) -> None:
    write_photograph(tmp_path / "photos" / "A1" / "1.jpg")
    table = tmp_path / f"{survey_id}.csv"
    table.write_text("Ort;Datum;Foto;Tier\nA1;03/04/2020 11:21;1.jpg;Asha\n")
    unclear = machine.run("import", str(table), "--dry-run")
    assert unclear.exit_code == 3
    options = ["--map", "camera_id=Ort", "--images", str(tmp_path / "photos"), "--timezone", "+02:00"]
    ambiguous = machine.run("import", str(table), *options)
    assert ambiguous.exit_code == 3
    assert "add --date-format DD/MM/YYYY or --date-format MM/DD/YYYY" in ambiguous.stderr
    options += ["--map", "individual_id=Tier", "--date-format", "DD/MM/YYYY HH:MM"]
    done = machine.run("import", str(table), *options)
    assert done.exit_code == 0, done.output
    assert "'Ort' as camera_id, 'Datum' as time, 'Foto' as image, 'Tier' as individual_id" in done.stderr
    assert recall(machine.directory, survey_id).date_format == "%d/%m/%Y"
    again = machine.run("import", str(table), "--dry-run", "--json")
    assert again.exit_code == 0, again.output
    answer = json.loads(again.stdout)
    assert answer["survey_id"] == survey_id
    assert not any(answer["changes"][kind].get("changed") for kind in ("cameras", "detections"))
    assert any(
        note.startswith("options of the last import are used: --timezone +02:00") for note in answer["notes"]
    )
    (picture,) = recall(machine.directory, survey_id).read().pictures
    assert picture.path == tmp_path / "photos" / "A1" / "1.jpg"
    assert picture.detection.captured_at_s == 1585905660.0


def test_a_corrected_map_corrects_the_survey(machine: Machine, survey_id: str, tmp_path: Path) -> None:
    table = tmp_path / f"{survey_id}.csv"
    table.write_text("Site,Station,Date,Photo\nNorth,A1,2020-04-03 11:21,1.jpg\n")
    arguments = ["import", str(table), "--timezone", "+02:00"]
    first = machine.run(*arguments)
    assert "'Site' may be camera_id, too" in first.stderr, first.output
    done = machine.run(*arguments, "--map", "camera_id=Site", "--delete-removed")
    assert done.exit_code == 0, done.output
    assert [camera.camera_id for camera in machine.spotted.survey(survey_id).cameras()] == ["North"]


def test_a_map_is_only_for_tables_with_titles_of_their_own(tmp_path: Path) -> None:
    write_package(tmp_path)
    for entry in ("camera_id=Station", "camera_id"):
        done = CliRunner().invoke(import_survey, [str(tmp_path), "--map", entry])
        assert done.exit_code == 2, done.output


def test_a_table_of_a_program_in_a_folder_gives_the_survey_the_name_of_the_folder(
    machine: Machine, survey_id: str, tmp_path: Path
) -> None:
    folder = tmp_path / survey_id
    write_photograph(folder / "A1" / "1.jpg")
    table = folder / "TimelapseData.csv"
    table.write_text("File,RelativePath,DateTime,Tier\n1.jpg,A1,2020-03-24 11:21:46,Asha\n")
    done = machine.run("import", str(folder), "--timezone", "+02:00", "--map", "individual_id=Tier")
    assert done.exit_code == 0, done.output
    assert "read as a table of Timelapse" in done.stderr
    again = machine.run("import", str(folder), "--json")
    answer = json.loads(again.stdout)
    assert (answer["survey_id"], answer["layout"]) == (survey_id, "timelapse")
    (picture,) = recall(machine.directory, survey_id).read(survey_id).pictures
    assert (picture.path, picture.detection.individual_id) == (folder / "A1" / "1.jpg", "Asha")
