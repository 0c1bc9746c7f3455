from __future__ import annotations

from pathlib import Path

import pytest

from spotted.errors import InvalidInputError
from spotted.formats.layouts.recognition import MAPPED, recognise, recognise_detections
from spotted.formats.layouts.timed import KNOWN, check_times

WHOLE = {
    "media.csv": "mediaID,deploymentID,filePath,timestamp",
    "records.csv": "Station,Species,Directory,FileName,DateTimeOriginal",
    "timelapse.csv": "RootFolder,File,RelativePath,DeleteFlag,DateTime",
    "images.csv": "deployment_id,image_id,filename,timestamp",
    "detections.csv": "camera_id,image,individual_id,timestamp",
    "traptagger.csv": "site,image,image_labels,timestamp",
    "bulk.csv": "Encounter.mediaAsset0,MarkedIndividual.individualID,Encounter.year",
}


@pytest.mark.parametrize("name", WHOLE)
def test_a_table_of_a_known_layout_without_its_times_is_an_error_that_names_file_and_column(
    tmp_path: Path, name: str
) -> None:
    *others, time = WHOLE[name].split(",")
    check_times(Path(name), [(*others, time)])
    table = tmp_path / name
    table.write_text(",".join(others) + "\n" + ",".join(f"{n}.jpg" for n in range(len(others))) + "\n")
    with pytest.raises(InvalidInputError, match=rf"^{name} lacks the column {time}; its other columns are"):
        recognise_detections(table) if name == "detections.csv" else recognise(table)


def test_every_known_layout_is_tried() -> None:
    assert len(WHOLE) == len(KNOWN)


def test_a_time_under_another_title_is_a_table_with_titles_of_its_own(tmp_path: Path) -> None:
    table = tmp_path / "detections.csv"
    table.write_text("camera_id,image,Datum\nA,1.jpg,24/03/2020 11:21\n")
    assert recognise_detections(table).layout == MAPPED


def test_titles_of_no_known_layout_need_no_time() -> None:
    check_times(Path("leopards.csv"), [("Ort", "Foto"), ()])
