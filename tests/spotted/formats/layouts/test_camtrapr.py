from __future__ import annotations

from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from spotted.errors import InvalidInputError
from spotted.formats.layouts.camtrapr import read_camtrapr, station_table
from spotted.formats.layouts.recognition import CAMTRAPR, recognise
from tests.spotted.published_tree import write_tree

REAL = Path("/work/shared/data/exports/camtrapr")
STATIONS = (
    "Station,utm_y,utm_x,Setup_date,Retrieval_date,Problem1_from,Problem1_to\n"
    "A,604000,526000,02/04/2009,14/05/2009,,\n"
    "B,606000,523000,03/04/2009,12/05/2009,05/05/2009,07/05/2009\n"
)
RECORDS = (
    "Station,Species,Individual,DateTimeOriginal,Directory,FileName\n"
    "A,LeopardCat,1,2009-05-07 17:11:00,C:/Users/me/pictures/A,IMG1.JPG\n"
    "B,LeopardCat,,2009-04-21 00:40:00,C:\\Users\\me\\pictures\\B,IMG1.JPG\n"
    "B,MalayCivet,,2009-04-22 00:40:00,C:/Users/me/pictures/B,IMG2.JPG\n"
)


def write_tables(root: Path, stations: str = STATIONS) -> tuple[Path, Path]:
    records, table = root / "recordTable.csv", root / "camtraps.csv"
    records.write_text(RECORDS)
    table.write_text(stations)
    return records, table


def test_records_and_stations_become_a_survey_with_pictures_of_another_computer(tmp_path: Path) -> None:
    write_tree(tmp_path, ["raw/A/IMG1.JPG", "raw/B/IMG1.JPG"])
    records, stations = write_tables(tmp_path)
    imported = read_camtrapr(records, stations, species="leopardcat", timezone="Asia/Kuching")
    assert [(d.camera_id, d.individual_id) for d in imported.detections] == [("A", "1"), ("B", "")]
    assert [p.path for p in imported.pictures] == [tmp_path / f"raw/{station}/IMG1.JPG" for station in "AB"]
    zone = ZoneInfo("Asia/Kuching")
    assert imported.detections[0].captured_at_s == datetime(2009, 5, 7, 17, 11, tzinfo=zone).timestamp()
    camera = imported.survey.cameras["A"]
    assert (camera.x_m, camera.y_m) == (526_000.0, 604_000.0)
    # the day of retrieval counts to its end
    assert camera.end_s == datetime(2009, 5, 15, tzinfo=zone).timestamp()
    assert "1 record skipped: other species" in imported.notes


def test_an_id_does_not_depend_on_the_folder_of_the_pictures(tmp_path: Path) -> None:
    records, stations = write_tables(tmp_path)
    read = [read_camtrapr(records, stations, species="LeopardCat", timezone="+08:00") for _ in range(2)]
    assert read[0].detections == read[1].detections


def test_each_camera_of_a_station_is_one_if_both_tables_name_it(tmp_path: Path) -> None:
    stations = (
        "Station,Camera,utm_y,utm_x,Setup_date,Retrieval_date\n"
        "A,1,604000,526000,02/04/2009,14/05/2009\nA,2,604008,526000,02/04/2009,14/05/2009\n"
        "B,1,606000,523000,03/04/2009,14/05/2009\n"
    )
    records, table = write_tables(tmp_path, stations)
    lines = RECORDS.splitlines()
    with_cameras = [
        f"Camera,{lines[0]}",
        *(f"{camera},{line}" for camera, line in zip("211", lines[1:], strict=True)),
    ]
    records.write_text("\n".join(with_cameras))
    imported = read_camtrapr(records, table, species="LeopardCat", timezone="+08:00")
    assert [d.camera_id for d in imported.detections] == ["A__CAM_2", "B__CAM_1"]
    assert {i: c.station for i, c in imported.survey.cameras.items()} == {
        "A__CAM_1": "A",
        "A__CAM_2": "A",
        "B__CAM_1": "B",
    }


def test_the_table_of_stations_beside_the_records_is_found(tmp_path: Path) -> None:
    records, stations = write_tables(tmp_path)
    assert station_table(records) == stations
    (tmp_path / "camtraps2.csv").write_text(STATIONS)
    with pytest.raises(InvalidInputError, match=r"camtraps\.csv, camtraps2\.csv; give one with --cameras"):
        station_table(records)


def test_records_are_recognised_by_their_columns_in_a_file_and_in_a_folder(tmp_path: Path) -> None:
    records, _ = write_tables(tmp_path)
    for path in (records, tmp_path):
        seen = recognise(path)
        assert (seen.layout, seen.path) == (CAMTRAPR, records)
    (tmp_path / "records2.csv").write_text(RECORDS)
    with pytest.raises(InvalidInputError, match=r"recordTable\.csv, records2\.csv; give one"):
        recognise(tmp_path)


@pytest.mark.parametrize("titles", ["longitude,latitude", "Long,Lat"])
def test_coordinates_in_degrees_are_projected(tmp_path: Path, titles: str) -> None:
    text = f"Station,{titles},Setup_date,Retrieval_date\nA,113.2,5.46,2009-04-01,2009-06-01\nB,113.3,5.5,,\n"
    records, stations = write_tables(tmp_path, text)
    imported = read_camtrapr(records, stations, species="LeopardCat", timezone="+08:00")
    assert any("projected to EPSG" in note for note in imported.notes)


def test_stations_without_coordinates_are_refused_with_the_titles_to_write(tmp_path: Path) -> None:
    text = "Station,Setup_date,Retrieval_date\nA,2009-04-01,2009-06-01\n"
    records, stations = write_tables(tmp_path, text)
    with pytest.raises(InvalidInputError, match="name their columns utm_x and utm_y"):
        read_camtrapr(records, stations, species="LeopardCat", timezone="+08:00")


def test_decimal_commas_of_tables_with_semicolons_are_read(tmp_path: Path) -> None:
    stations = STATIONS.replace(",", ";").replace("604000;526000", "604000,5;526000,25")
    records, table = write_tables(tmp_path, stations)
    imported = read_camtrapr(records, table, species="LeopardCat", timezone="+08:00")
    camera = imported.survey.cameras["A"]
    assert (camera.x_m, camera.y_m) == (526_000.25, 604_000.5)


def test_a_strict_import_refuses_a_doubtful_time_and_a_given_form_of_dates_counts(tmp_path: Path) -> None:
    records, stations = write_tables(tmp_path)
    records.write_text(RECORDS.replace("2009-05-07 17:11:00", "2009-05-07 at night"))
    kept = read_camtrapr(records, stations, species="LeopardCat", timezone="+08:00")
    assert kept.detections[0].captured_at_s is None
    with pytest.raises(InvalidInputError, match="'2009-05-07 at night' is not a date and time"):
        read_camtrapr(records, stations, species="LeopardCat", timezone="+08:00", strict=True)
    stations.write_text(STATIONS.replace("14/05", "12/05").replace("05/05/2009,07", "05/05/2009,06"))
    with pytest.raises(InvalidInputError, match="add --date-format DD/MM/YYYY or --date-format MM/DD/YYYY"):
        read_camtrapr(records, stations, species="LeopardCat", timezone="+08:00")
    read = read_camtrapr(records, stations, species="LeopardCat", timezone="+08:00", date_format="%d/%m/%Y")
    assert (
        read.survey.cameras["A"].start_s == datetime(2009, 4, 2, tzinfo=ZoneInfo("Asia/Kuching")).timestamp()
    )


def test_problem_periods_and_seasons_are_periods_of_a_station(tmp_path: Path) -> None:
    seasons = STATIONS + "A,604000,526000,02/04/2010,14/05/2010,,\n"
    records, stations = write_tables(tmp_path, seasons)
    imported = read_camtrapr(records, stations, species="LeopardCat", timezone="Asia/Kuching")
    zone = ZoneInfo("Asia/Kuching")
    days = {
        camera_id: [datetime.fromtimestamp(s, zone).date().isoformat() for s in (c.start_s, c.end_s) if s]
        for camera_id, c in imported.survey.cameras.items()
    }
    # ends are the first instant of the next day
    assert days == {
        "A": ["2009-04-02", "2009-05-15"],
        "A#2": ["2010-04-02", "2010-05-15"],
        "B": ["2009-04-03", "2009-05-05"],
        "B#2": ["2009-05-08", "2009-05-13"],
    }


@pytest.mark.skipif(not REAL.is_dir(), reason="the tables of camtrapR are not on this machine")
def test_real_tables_find_their_pictures_and_known_individuals() -> None:
    imported = read_camtrapr(
        REAL / "recordTableIndividualSample.csv",
        REAL / "camtraps.csv",
        images_root=REAL / "sample_images_species_tag",
        timezone="Asia/Kuching",
    )
    assert len(imported.pictures) == 21
    assert {d.individual_id for d in imported.detections} == {"1", "2", "3"}
    for picture in imported.pictures:
        assert picture.path is not None
        assert picture.path.parent.name == picture.detection.camera_id
