from __future__ import annotations

import json
from pathlib import Path

import pytest

from spotted.errors import InvalidInputError
from spotted.formats.camtrapdp.package import open_package

RESOURCES = [{"name": table, "path": f"{table}.csv"} for table in ("deployments", "media", "observations")]


def written(directory: Path, **changes: object) -> Path:
    descriptor = {"profile": "https://host/camtrap-dp/1.0.2/x.json", "resources": RESOURCES, **changes}
    (directory / "datapackage.json").write_text(json.dumps(descriptor))
    return directory


def with_media(**changes: object) -> list[dict[str, object]]:
    return [RESOURCES[0], {**RESOURCES[1], **changes}, RESOURCES[2]]  # type: ignore[list-item] # wider values


def test_a_package_is_opened_by_its_directory_or_descriptor(tmp_path: Path) -> None:
    written(tmp_path, name="hyenas", resources=with_media(path=["sub/files.csv.gz"], encoding="UTF-8"))
    for path in (tmp_path, tmp_path / "datapackage.json", f"{tmp_path}/sub/.."):
        package = open_package(path)
        assert package.table("media") == tmp_path / "sub" / "files.csv.gz"
        assert package.text("name") == "hyenas"
        assert package.version_note is None


def test_a_package_without_a_version_is_read_with_a_note(tmp_path: Path) -> None:
    assert "names no version" in str(open_package(written(tmp_path, profile="tabular")).version_note)
    assert open_package(written(tmp_path, profile=None)).version_note


@pytest.mark.parametrize("version", ["0.1", "0.1.6", "0.6", "1.0-rc.1", "2.0"])
def test_another_version_is_refused_with_what_converts_it(tmp_path: Path, version: str) -> None:
    with pytest.raises(
        InvalidInputError, match=rf"follows Camtrap DP {version}; export it again .*camtraptor"
    ):
        open_package(written(tmp_path, profile=f"https://host/camtrap-dp/{version}/x.json"))


def test_a_package_in_the_only_folder_of_a_directory_is_found(tmp_path: Path) -> None:
    (tmp_path / "export").mkdir()
    written(tmp_path / "export")
    assert open_package(tmp_path).directory == tmp_path / "export"


def test_a_declared_delimiter_is_known_and_other_dialects_are_refused_by_name(tmp_path: Path) -> None:
    declared = with_media(dialect={"delimiter": "|", "quoteChar": '"', "lineTerminator": "\n"})
    package = open_package(written(tmp_path, resources=declared))
    assert (package.delimiter("media"), package.delimiter("observations")) == ("|", "")
    for dialect, shown in (
        ({"quoteChar": "'"}, r'media is written with quoteChar "\'"'),
        ({"header": False, "delimiter": ";"}, "media is written with header False"),
        ({"delimiter": "||"}, "media is written with delimiter"),
        ("dialect.json", "the dialect of media is not written out"),
    ):
        with pytest.raises(InvalidInputError, match=shown):
            open_package(written(tmp_path, resources=with_media(dialect=dialect)))


@pytest.mark.parametrize(
    ("media", "message"),
    [
        ({"path": "../media.csv"}, "lies outside"),
        ({"path": "/etc/passwd"}, "lies outside"),
        ({"path": "https://host/media.csv"}, "is a URL"),
        ({"path": ["a.csv", "b.csv"]}, "split into 2 files"),
        ({"path": None}, "names no file for media"),
        ({"name": "pictures"}, "names no file for media"),
        ({"encoding": "iso-8859-1"}, "in iso-8859-1; save it in UTF-8"),
    ],
)
def test_a_table_that_is_not_one_local_utf_8_file_is_refused(
    tmp_path: Path, media: dict[str, object], message: str
) -> None:
    with pytest.raises(InvalidInputError, match=message):
        open_package(written(tmp_path, resources=with_media(**media)))


@pytest.mark.parametrize("content", ["", "{", "[]", "\xff"])
def test_a_descriptor_that_is_no_object_is_refused(tmp_path: Path, content: str) -> None:
    (tmp_path / "datapackage.json").write_text(content, encoding="latin-1")
    with pytest.raises(InvalidInputError, match="is not"):
        open_package(tmp_path)


def test_a_directory_without_descriptor_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidInputError, match="give the directory of an unpacked Camtrap DP"):
        open_package(tmp_path)
    (tmp_path / "package.zip").write_bytes(b"PK")
    with pytest.raises(InvalidInputError, match="unpacked"):
        open_package(tmp_path / "package.zip")
