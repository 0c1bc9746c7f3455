from __future__ import annotations

from pathlib import Path

import pytest

from spotted.formats.layouts.nearest import SHOWN, nearest_layouts


@pytest.mark.parametrize(
    ("files", "line"),
    [
        (
            {"deployments.csv": "deploymentID\n", "media.csv": "mediaID\n", "observations.csv": "x\n"},
            "Camtrap DP, but the file datapackage.json is missing",
        ),
        ({"Deployments.csv": "a,b\n"}, "Wildlife Insights, but the file images.csv is missing"),
        (
            {"t.csv": "station;date time original\n"},
            "records of camtrapR, but the columns Directory, FileName are missing",
        ),
        ({"t.csv": "Camera,Date\n"}, "any table, but the column for the image is missing"),
        ({"t.csv": "File,RelativePath\n"}, "Timelapse, but the column DateTime is missing"),
        ({}, "photographs, but JPEG, PNG, WebP, HEIC, AVIF or TIFF files are missing"),
    ],
)
def test_the_likeliest_layouts_are_named_with_what_they_lack(
    tmp_path: Path, files: dict[str, str], line: str
) -> None:
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    lines = nearest_layouts(tmp_path)
    assert len(lines) == SHOWN
    assert line in lines
