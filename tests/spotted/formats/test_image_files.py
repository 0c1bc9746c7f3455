from __future__ import annotations

import unicodedata
from pathlib import Path
from typing import Literal

import pytest

from spotted.formats.image_files import ImageFolder
from spotted.formats.problems import Problems
from spotted.formats.row import Row, absolute_path


def found(
    root: Path, text: str, *, name: str = "", hints: tuple[str, ...] = ()
) -> tuple[Path | None, Problems]:
    row = Row("t", 2, {"p": text}, Problems())
    return ImageFolder(absolute_path(root)).path(row, "p", name=name, hints=hints), row.problems


def put(*paths: Path) -> None:
    for path in paths:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"image")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a/b.jpg", "a/b.jpg"),
        ("./a//b.jpg", "a/b.jpg"),
        ("a\\b.jpg", "a/b.jpg"),
        ("a/../b.jpg", "b.jpg"),
        ("..b/c.jpg", "..b/c.jpg"),
    ],
)
def test_image_paths_stay_inside_their_root(tmp_path: Path, text: str, expected: str) -> None:
    assert found(tmp_path, text)[0] == tmp_path / expected


@pytest.mark.parametrize("text", ["../x.jpg", "a/../../x.jpg", "..\\x.jpg", "/x.jpg", "\\\\h\\x"])
def test_image_paths_that_leave_the_root_are_problems(tmp_path: Path, text: str) -> None:
    path, problems = found(tmp_path, text)
    assert path is None
    assert problems.count == 1


def test_links_inside_the_root_are_followed_and_its_name_kept(tmp_path: Path) -> None:
    (tmp_path / "disk").mkdir()
    (tmp_path / "root").mkdir()
    (tmp_path / "root" / "images").symlink_to(tmp_path / "disk")
    path, _ = found(tmp_path / "root", "images/x.jpg")
    assert path == tmp_path / "root" / "images" / "x.jpg"


def test_an_empty_cell_names_no_image(tmp_path: Path) -> None:
    assert found(tmp_path, " ")[0] is None


@pytest.mark.parametrize(
    "text",
    [
        "D:\\photos\\S1\\a.JPG",
        "d:/S1/a.jpg",
        "\\\\server\\share\\S1\\a.JPG",
        "/old/disk/S1/a.JPG",
        "x/S1/a.JPG",
    ],
)
def test_a_path_of_another_computer_leads_to_the_file_with_its_last_folders(
    tmp_path: Path, text: str
) -> None:
    put(tmp_path / "S1" / "a.JPG", tmp_path / "S2" / "a.JPG")
    path, problems = found(tmp_path, text)
    assert path == tmp_path / "S1" / "a.JPG"
    assert not problems.count


def test_two_paths_that_would_be_one_file_are_a_problem(tmp_path: Path) -> None:
    put(tmp_path / "a.JPG")
    folder, problems = ImageFolder(tmp_path), Problems()
    rows = [Row("t", n, {"p": f"D:\\S{n}\\a.JPG"}, problems) for n in (1, 2, 1)]
    assert [folder.path(row, "p") for row in rows] == [tmp_path / "a.JPG", None, tmp_path / "a.JPG"]
    assert "'D:/S1/a.JPG' would be the same file" in problems.shown[0]


@pytest.mark.parametrize("form", ["NFC", "NFD"])
def test_case_and_coding_of_accents_do_not_hide_a_file(tmp_path: Path, form: Literal["NFC", "NFD"]) -> None:
    put(tmp_path / unicodedata.normalize(form, "Zoë.jpg"))
    for text in (unicodedata.normalize("NFC", "zoë.JPG"), unicodedata.normalize("NFD", "Zoë.jpg")):
        path, _ = found(tmp_path, text)
        assert path is not None
        assert path.is_file()


def test_a_file_name_keeps_its_own_spaces(tmp_path: Path) -> None:
    put(tmp_path / "a\u202fb.jpg")
    assert found(tmp_path, "a\u202fb.jpg")[0] == tmp_path / "a\u202fb.jpg"


def test_a_url_is_the_file_of_its_name_anywhere_below(tmp_path: Path) -> None:
    put(tmp_path / "x" / "I0.JPG", tmp_path / "y" / "b c.jpg")
    assert found(tmp_path, "https://host/assets/m0/file", name="I0.JPG")[0] == tmp_path / "x" / "I0.JPG"
    assert found(tmp_path, "https://host/y/b%20c.jpg?size=l")[0] == tmp_path / "y" / "b c.jpg"


def test_a_url_without_its_file_is_remarked_with_the_remedy(tmp_path: Path) -> None:
    path, problems = found(tmp_path, "s3://bucket/x.jpg")
    assert path is None
    assert "no file 'x.jpg' lies below" in problems.notes[0]
    assert "--images" in problems.notes[0]


def test_among_files_of_one_name_the_folder_of_the_deployment_decides(tmp_path: Path) -> None:
    put(tmp_path / "D0" / "a.jpg", tmp_path / "D1" / "a.jpg")
    assert found(tmp_path, "http://h/a.jpg", hints=("D1",))[0] == tmp_path / "D1" / "a.jpg"
    path, problems = found(tmp_path, "http://h/a.jpg", hints=("D9",))
    assert path is None
    assert "several files" in problems.shown[0]
