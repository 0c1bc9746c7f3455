from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import click
import pytest

from spotted.cli.imports.options import parse_map, with_columns, with_last_options
from spotted.formats.layouts.recognition import MAPPED
from spotted.formats.sources import Source, remember


@pytest.fixture
def source(tmp_path: Path) -> Source:
    table = tmp_path / "leopards.csv"
    table.write_text("Station,Cam,Date,Photo\nA1,x,2020-04-03 11:21,1.jpg\n")
    return Source(package=str(table), layout=MAPPED)


def test_a_map_is_read_by_field_with_or_without_quotation_marks() -> None:
    assert parse_map(["camera_id=Camera = id", "image='Photo'", "species="]) == {
        "camera_id": "Camera = id",
        "image": "Photo",
        "species": "",
    }
    with pytest.raises(click.UsageError, match=r"is not FIELD=COLUMN; write e\.g\. --map camera_id=Station"):
        parse_map(["camera_id"])


def test_options_of_the_last_import_are_used_unless_given(tmp_path: Path, source: Source) -> None:
    last = replace(source, species="leopard", timezone="Africa/Harare", boxes="/md.json", confidence=0.4)
    assert with_last_options(tmp_path, "", source) == (source, [])
    remember(tmp_path, "leopards", last)
    repeated, notes = with_last_options(tmp_path, "", replace(source, timezone="+02:00"))
    assert repeated == replace(last, timezone="+02:00")
    assert notes == ["options of the last import are used: --species leopard"]
    remember(tmp_path, "leopards", replace(source, trusted_clocks=("A", "B")))
    repeated, notes = with_last_options(tmp_path, "", source)
    assert (repeated.trusted_clocks, notes) == (
        ("A", "B"),
        ["options of the last import are used: --trust-clock A B"],
    )
    none = replace(source, trusted_clocks=("",))
    assert with_last_options(tmp_path, "", none) == (none, [])


def test_options_of_other_files_or_another_survey_are_not_used(tmp_path: Path, source: Source) -> None:
    remember(tmp_path, "leopards", replace(source, package="/other.csv", species="leopard"))
    remember(tmp_path, "other", replace(source, species="leopard"))
    assert with_last_options(tmp_path, "", source) == (source, [])
    assert with_last_options(tmp_path, "other", source)[0].species == "leopard"


def test_columns_are_guessed_then_saved_then_given(tmp_path: Path, source: Source) -> None:
    first, notes = with_columns(tmp_path, "", source, {})
    assert first.columns == {"camera_id": "Station", "time": "Date", "image": "Photo"}
    assert "'Cam' may be camera_id, too" in notes[0]
    remember(tmp_path, "leopards", replace(first, columns={**first.columns, "camera_id": "Cam"}))
    assert with_columns(tmp_path, "", source, {})[0].columns["camera_id"] == "Cam"
    assert with_columns(tmp_path, "", source, {"camera_id": "Station"})[0].columns["camera_id"] == "Station"
