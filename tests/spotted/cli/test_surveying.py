from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from services.common.store import Store
from services.embedder.backbones import Backbone
from spotted.client import Crop
from spotted.v1 import embedder_pb2
from tests.services.embedder.serving import serving as embedder_serving
from tests.spotted.camtrapdp_package import write_package
from tests.spotted.cli.conftest import Machine, machine_of
from tests.spotted.client.surveys import DETECTIONS, SPEC, survey, vectors
from tests.spotted.published_tree import write_tree


def test_a_package_becomes_a_survey_and_is_told_with_its_notes(
    machine: Machine, survey_id: str, tmp_path: Path
) -> None:
    write_package(tmp_path / "package")
    done = machine.run("import", str(tmp_path / "package"), "--survey", survey_id)
    assert done.exit_code == 0
    assert f"survey {survey_id}: 3 cameras, 13 detections to embed" in done.stdout
    assert "projected to EPSG" in done.stderr
    assert machine.spotted.survey(survey_id).camera_count == 3


def test_a_package_that_has_grown_is_imported_again_with_a_note(
    machine: Machine, survey_id: str, tmp_path: Path
) -> None:
    cameras, detections = tmp_path / "cameras.csv", tmp_path / "detections.csv"
    cameras.write_text("camera_id,x_m,y_m,start,end\nA,0,0,2024-01-01,2024-01-31\n")
    detections.write_text("detection_id,camera_id,timestamp,image\nd1,A,2024-01-02T00:00Z,a.jpg\n")
    arguments = ["import", "--cameras", str(cameras), "--detections", str(detections), "--survey", survey_id]
    arguments += ["--timezone", "UTC", "--json"]
    assert machine.run(*arguments).exit_code == 0
    before = machine.spotted.survey(survey_id)
    cameras.write_text(
        "camera_id,x_m,y_m,start,end\nA,0,0,2024-01-01,2024-01-31\nB,5,5,2024-02-01,2024-03-01\n"
    )
    again = machine.run(*arguments)
    assert again.exit_code == 0, again.stderr
    after = machine.spotted.survey(survey_id)
    assert after.end_time.seconds > before.end_time.seconds
    assert after.camera_count == 2
    assert any("extent" in note for note in json.loads(again.stdout)["notes"])


def test_other_files_cannot_take_the_id_of_a_survey(machine: Machine, survey_id: str, tmp_path: Path) -> None:
    machine.spotted.create_survey(survey(survey_id))
    write_package(tmp_path / "package")
    done = machine.run("import", str(tmp_path / "package"), "--survey", survey_id)
    assert done.exit_code == 1
    assert "choose another survey_id" in done.stderr
    assert machine.spotted.survey(survey_id).display_name == "a name"


def test_wrong_files_are_told_and_leave_no_survey(machine: Machine, survey_id: str, tmp_path: Path) -> None:
    write_package(tmp_path)
    media = tmp_path / "media.csv"
    media.write_text(re.sub(r"(T\d\d:\d\d:\d\d)(Z|[+-]\d\d:?\d\d)", r"\1", media.read_text()))
    done = machine.run("import", str(tmp_path), "--survey", survey_id)
    assert done.exit_code == 3
    assert "media.csv row 2" in done.stderr
    assert survey_id not in {s.survey_id for s in machine.spotted.surveys()}


def test_neither_a_package_nor_both_tables_is_wrong_usage(machine: Machine) -> None:
    assert machine.run("import").exit_code == 2


def test_a_published_set_becomes_a_survey_and_each_file_passed_over_is_named(
    machine: Machine, survey_id: str, tmp_path: Path
) -> None:
    files = ["A/CAM1_2019-08-01_01-00-00.jpg", "No_ID/x_CAM2_20190801_030000_1.jpg", "A/clip.avi"]
    root = write_tree(tmp_path / "LeopardID102", files)
    done = machine.run("import", str(root), "--layout", "spotted-published", "--survey", survey_id)
    assert done.exit_code == 0, done.output
    assert f"survey {survey_id}: 2 cameras, 2 detections to embed" in done.stdout
    assert "1 file passed over, no JPEG, PNG or WebP: A/clip.avi" in done.stderr
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
        assert "1 cameras, 1 detections to embed" in done.stdout, done.output


def test_a_layout_and_the_tables_that_it_does_not_read_are_wrong_usage(
    machine: Machine, tmp_path: Path
) -> None:
    table = tmp_path / "cameras.csv"
    table.write_text("camera_id,x_m,y_m\nA,0,0\n")
    here, tables = str(tmp_path), ("--cameras", str(table))
    for arguments in (
        (here, *tables),
        (here, *tables, "--detections", str(table)),
        ("--detections", str(table)),
        (*tables, "--detections", str(table), "--layout", "catalogue"),
        (str(table),),
        (str(table), "--layout", "spotted-published"),
        (here, "--layout", "spotted-published", "--images", here),
        (here, "--layout", "nosuch"),
    ):
        assert machine.run("import", *arguments).exit_code == 2, arguments


def test_candidates_are_listed_with_the_journey_in_words(
    machine: Machine, survey_id: str, tmp_path: Path
) -> None:
    machine.spotted.create_survey(survey(survey_id))
    machine.spotted.add_detections(survey_id, DETECTIONS, vectors(), SPEC)
    output = tmp_path / "candidates.csv"
    done = machine.run("match", survey_id, "--top", "2", "-o", str(output))
    assert done.exit_code == 0
    assert len(output.read_text().splitlines()) == 1 + 2 * len(DETECTIONS)
    one = json.loads(machine.run("match", survey_id, "--detection", "d00", "--json").stdout)
    assert [row["rank"] for row in one["candidates"]] == [1, 2, 3, 4, 5]
    assert all("km/h" in row["reason"] or "same camera" in row["reason"] for row in one["candidates"])
    assert machine.run("match", survey_id, "--top", "0").exit_code == 2


def test_embedding_needs_an_import_first(machine: Machine) -> None:
    done = machine.run("embed", "nosuch")
    assert done.exit_code == 4
    assert "spotted import" in done.stderr


def test_each_individual_is_listed_once_by_its_best_photograph(machine: Machine, survey_id: str) -> None:
    machine.spotted.create_survey(survey(survey_id))
    machine.spotted.add_detections(survey_id, DETECTIONS, vectors(), SPEC)
    animal = {d.detection_id: d.individual_id for d in DETECTIONS}

    def listed(*arguments: str) -> dict[str, list[str]]:
        done = machine.run("match", survey_id, "--top", "20", "--json", *arguments)
        found: dict[str, list[str]] = {}
        for row in json.loads(done.stdout)["candidates"]:
            found.setdefault(row["detection_id"], []).append(row["candidate_id"])
        return found

    everyone, grouped = listed(), listed("--individuals")
    assert set(grouped) == set(animal)
    for asking, candidates in everyone.items():
        best: dict[str, str] = {}
        for candidate in candidates:
            best.setdefault(animal[candidate], candidate)
        assert grouped[asking] == list(best.values())


@pytest.fixture
def photographed(tmp_path: Path, store: Store, backbone: Backbone, survey_id: str) -> Iterator[Machine]:
    """A machine with an embedder that has imported three photographs, the last of them the reference."""
    rng = np.random.default_rng(0)
    rows = ["detection_id,camera_id,timestamp,image"]
    for name, brightest in (("dark", 60), ("bright", 255), ("reference", 120)):
        pixels = rng.integers(0, brightest, (40, 40, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(tmp_path / f"{name}.png")
        rows.append(f"{name},A,2024-01-02T00:00Z,{name}.png")
    (tmp_path / "cameras.csv").write_text("camera_id,x_m,y_m,start,end\nA,0,0,2024-01-01,2024-01-31\n")
    (tmp_path / "detections.csv").write_text("\n".join(rows) + "\n")
    with embedder_serving(store, backbone) as spotted:
        machine = machine_of(tmp_path / "data", spotted)
        arguments = ["--cameras", str(tmp_path / "cameras.csv"), "--timezone", "UTC", "--survey", survey_id]
        done = machine.run("import", *arguments, "--detections", str(tmp_path / "detections.csv"))
        assert done.exit_code == 0, done.stderr
        yield machine


def test_photographs_take_the_tones_of_a_reference(
    photographed: Machine, survey_id: str, tmp_path: Path
) -> None:
    spotted, reference = photographed.spotted, tmp_path / "reference.png"
    arguments = ("--tone", "matched", "--reference", str(reference))
    done = photographed.run("embed", survey_id, *arguments)
    assert done.exit_code == 0, done.stderr
    assert "3 detections stored, 0 were there, 0 failed" in done.stdout
    detections, stored = spotted.detections_with_embeddings(survey_id)
    ids = [d.detection_id for d in detections]
    digest = spotted.add_reference(reference.read_bytes())

    def embedded(preparation: embedder_pb2.Preparation) -> np.ndarray:
        crops = [Crop(i, (tmp_path / f"{i}.png").read_bytes()) for i in ids]
        vectors = [one.vector for one in spotted.embed(crops, preparation=preparation)]
        return np.stack([vector for vector in vectors if vector is not None])

    matched = embedded(embedder_pb2.Preparation(tone=embedder_pb2.TONE_MATCHED, reference_digest=digest))
    np.testing.assert_allclose(stored, matched, atol=1e-3)
    assert np.abs(stored - embedded(embedder_pb2.Preparation())).max() > 1e-2
    # a survey holds vectors of one preparation
    (tmp_path / "late.png").write_bytes(reference.read_bytes())
    with (tmp_path / "detections.csv").open("a") as table:
        table.write("late,A,2024-01-03T00:00Z,late.png\n")
    other = photographed.run("embed", survey_id, "--tone", "equalised")
    assert other.exit_code == 6, other.output
    assert "embed all of a survey with one backbone" in other.stderr
    assert photographed.run("embed", survey_id, *arguments).exit_code == 0
    assert spotted.survey(survey_id).detection_count == 4


def test_matched_tones_and_their_reference_need_each_other(machine: Machine, tmp_path: Path) -> None:
    picture = tmp_path / "reference.png"
    picture.write_bytes(b"never read")
    for arguments in (
        ("--tone", "matched"),
        ("--reference", str(picture)),
        ("--tone", "equalised", "--reference", str(picture)),
    ):
        done = machine.run("embed", "any", *arguments)
        assert done.exit_code == 2
        assert "--tone matched and --reference FILE need each other" in done.stderr
    unknown = machine.run("embed", "any", "--tone", "sepia")
    assert unknown.exit_code == 2
    assert "as-taken" in unknown.stderr
