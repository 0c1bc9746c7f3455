from __future__ import annotations

import codecs
import gzip
import hashlib
import json
from pathlib import Path

import pytest

from spotted.errors import AlreadyExistsError, InvalidInputError
from spotted.formats.camtrapdp import read_camtrapdp
from spotted.formats.camtrapdp.export import write_camtrapdp
from spotted.formats.exports.camtrap_dp import camtrap_dp_files
from tests.spotted.camtrapdp_package import write_package
from tests.spotted.formats.exports.camtrap_dp_validation import faults
from tests.spotted.formats.exports.surveys import made


@pytest.fixture
def package(tmp_path: Path) -> Path:
    write_package(tmp_path / "package", identified=False)
    return tmp_path / "package"


def describe(package: Path, **observations: object) -> None:
    """Add properties to the observations' resource."""
    path = package / "datapackage.json"
    descriptor = json.loads(path.read_text())
    descriptor["resources"][2].update(observations)
    path.write_text(json.dumps(descriptor))


def content(directory: Path) -> dict[str, bytes]:
    return {p.relative_to(directory).as_posix(): p.read_bytes() for p in directory.rglob("*") if p.is_file()}


def test_individuals_survive_the_way_out_and_in(package: Path, tmp_path: Path) -> None:
    before = content(package)
    read = read_camtrapdp(package)
    found = {d.detection_id: f"animal {d.detection_id[:2]}" for d in read.detections}
    write_camtrapdp(package, tmp_path / "out", found)
    again = read_camtrapdp(tmp_path / "out", images_root=package)
    assert {d.detection_id: d.individual_id for d in again.detections} == found
    assert again.survey == read.survey
    assert content(package) == before


def test_only_the_observations_differ_and_only_in_their_cells(package: Path, tmp_path: Path) -> None:
    write_camtrapdp(package, tmp_path / "out", {"m01-1": "anna"})
    source, target = content(package), content(tmp_path / "out")
    assert set(target) == {"datapackage.json", "deployments.csv", "media.csv", "observations.csv"}
    taken = b"2024-06-01T02:00:00+02:00"
    old = b"m01-1,dep-a,m01,dep-a-2,%b,%b,media,animal,Crocuta crocuta,1," % (taken, taken)
    assert target.pop("observations.csv") == source["observations.csv"].replace(old, old + b"anna")
    assert all(source[path] == target[path] for path in target)


def test_nothing_to_write_gives_the_same_bytes(package: Path, tmp_path: Path) -> None:
    path = package / "observations.csv"
    path.write_bytes(codecs.BOM_UTF8 + path.read_bytes().replace(b"\r\n", b"\n") + b"\n\n")
    write_camtrapdp(package, tmp_path / "out", {"m01-1": ""})
    assert (tmp_path / "out" / "observations.csv").read_bytes() == path.read_bytes()


def test_a_missing_column_is_appended_and_declared_if_the_schema_is_inline(
    package: Path, tmp_path: Path
) -> None:
    path = package / "observations.csv"
    text = path.read_text().replace("individualID", "animalTag")
    path.write_text(text, newline="")
    describe(package, schema={"fields": [{"name": "observationID", "type": "string"}]})
    write_camtrapdp(package, tmp_path / "out", {"m02-1": "anna"})
    header, *rows = (tmp_path / "out" / "observations.csv").read_text().splitlines()
    assert header.endswith(",individualID")
    # quoted as the cell before it is
    assert [row.endswith(',"anna"') for row in rows].count(True) == 1
    descriptor = json.loads((tmp_path / "out" / "datapackage.json").read_text())
    assert [f["name"] for f in descriptor["resources"][2]["schema"]["fields"]] == [
        "observationID",
        "individualID",
    ]


def test_a_stated_size_and_hash_follow_the_new_table(package: Path, tmp_path: Path) -> None:
    for number, (given, kind) in enumerate((("0" * 32, "md5"), (f"sha256:{'0' * 64}", "sha256"))):
        describe(package, bytes=1, hash=given)
        target = tmp_path / f"out{number}"
        write_camtrapdp(package, target, {"m01-1": "anna"})
        table = (target / "observations.csv").read_bytes()
        resource = json.loads((target / "datapackage.json").read_text())["resources"][2]
        assert resource["bytes"] == len(table)
        digest = hashlib.new(kind, table, usedforsecurity=False).hexdigest()
        assert resource["hash"] == (digest if kind == "md5" else f"{kind}:{digest}")
    describe(package, hash="crc9:1")
    with pytest.raises(InvalidInputError, match="unknown algorithm"):
        write_camtrapdp(package, tmp_path / "out9", {})


def test_zipped_renamed_and_further_resources_are_carried_over(package: Path, tmp_path: Path) -> None:
    text = (package / "observations.csv").read_bytes()
    (package / "observations.csv").unlink()
    (package / "tables").mkdir()
    (package / "tables" / "obs.csv.gz").write_bytes(gzip.compress(text))
    (package / "individuals.csv").write_bytes(b"id\r\nanna")
    describe(package, path="tables/obs.csv.gz")
    path = package / "datapackage.json"
    descriptor = json.loads(path.read_text())
    descriptor["resources"] += [
        {"name": "individuals", "path": "individuals.csv"},
        {"name": "taxa", "path": "https://host/taxa.csv"},
        {"name": "inline", "data": [1]},
    ]
    path.write_text(json.dumps(descriptor))
    write_camtrapdp(package, tmp_path / "out", {"m01-1": "anna"})
    assert (tmp_path / "out" / "individuals.csv").read_bytes() == b"id\r\nanna"
    assert (tmp_path / "out" / "datapackage.json").read_bytes() == path.read_bytes()
    again = read_camtrapdp(tmp_path / "out", images_root=package)
    assert again.detections[0].individual_id == "anna"


def test_unknown_detections_and_missing_resources_write_nothing(package: Path, tmp_path: Path) -> None:
    with pytest.raises(InvalidInputError, match="lacks 1 of the detections to write, such as m99"):
        write_camtrapdp(package, tmp_path / "out", {"m99": "anna"})
    (package / "deployments.csv").unlink()
    with pytest.raises(InvalidInputError, match=r"file not found: .*deployments\.csv"):
        write_camtrapdp(package, tmp_path / "out", {})
    assert not (tmp_path / "out").exists()


def test_neither_the_source_nor_a_full_directory_is_overwritten(package: Path, tmp_path: Path) -> None:
    before = content(package)
    with pytest.raises(InvalidInputError, match="that was read; write into another directory"):
        write_camtrapdp(package, package, {"m01-1": "anna"}, overwrite=True)
    assert content(package) == before
    write_camtrapdp(package, tmp_path / "out", {"m01-1": "anna"})
    with pytest.raises(AlreadyExistsError):
        write_camtrapdp(package, tmp_path / "out", {"m01-1": "ben"})
    write_camtrapdp(package, tmp_path / "out", {"m01-1": "ben"}, overwrite=True)
    again = read_camtrapdp(tmp_path / "out", images_root=package)
    assert again.detections[0].individual_id == "ben"


def test_an_event_gets_the_individual_that_all_of_its_images_show(tmp_path: Path) -> None:
    write_package(tmp_path / "in")
    out = tmp_path / "out"
    notes = write_camtrapdp(tmp_path / "in", out, {"m01-1:m01": "x", "m01-1:m02": "x", "m03-1:m3": ""})
    assert notes == ()
    assert read_camtrapdp(out, images_root=tmp_path / "in").detections[0].individual_id == "x"
    notes = write_camtrapdp(tmp_path / "in", tmp_path / "two", {"m01-1:m01": "x", "m01-1:m02": "y"})
    assert "such as 'm01-1', were left as they are" in notes[0]
    assert (tmp_path / "two" / "observations.csv").read_bytes() == (
        tmp_path / "in" / "observations.csv"
    ).read_bytes()


def test_the_copy_of_a_valid_package_is_valid(tmp_path: Path) -> None:
    camtrap_dp_files(made(tmp_path)).write(tmp_path / "package")
    write_camtrapdp(tmp_path / "package", tmp_path / "out", {"d2": "Sita", "d6": "Sita"})
    assert faults(tmp_path / "out") == []
    (tmp_path / "out" / "media.csv").write_text("mediaID\nm1\n")
    assert faults(tmp_path / "out")


def test_the_copy_of_the_example_of_camtrap_dp_is_valid(tmp_path: Path, real_files: Path) -> None:
    example = real_files / "exports" / "camtrap_dp_example"
    if not example.is_dir():
        pytest.skip(f"no example of Camtrap DP at {example}")
    imported = read_camtrapdp(example, species="Anas platyrhynchos")
    write_camtrapdp(example, tmp_path / "out", {d.detection_id: "Asha" for d in imported.detections[:3]})
    assert faults(tmp_path / "out") == []
