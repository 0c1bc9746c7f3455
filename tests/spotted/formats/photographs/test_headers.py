from __future__ import annotations

from pathlib import Path

import pytest

from spotted.formats.photographs.headers import ImageHeader, read_header
from tests.spotted.photograph_folder import write_photograph


@pytest.mark.parametrize("suffix", ["jpg", "png", "webp", "tif", "avif"])
def test_time_camera_and_temperature_are_read_from_every_format(tmp_path: Path, suffix: str) -> None:
    path = write_photograph(
        tmp_path / f"a.{suffix}",
        "2024:05:01 23:59:58",
        make="RECONYX",
        model="HC500 HYPERFIRE",
        serial="H500DE01",
        temperature_c=-3.5,
    )
    assert read_header(path) == ImageHeader(
        "2024-05-01T23:59:58", "RECONYX HC500 HYPERFIRE", "H500DE01", -3.5
    )


@pytest.mark.parametrize("written", ["2024:05:01 03:04:05\0", "2024-05-01 03:04:05", "2024/05/01T03:04:05Z"])
def test_spellings_of_times_by_cameras_are_understood(tmp_path: Path, written: str) -> None:
    assert read_header(write_photograph(tmp_path / "a.jpg", written)).time == "2024-05-01T03:04:05"


@pytest.mark.parametrize("written", ["0000:00:00 00:00:00", "    :  :     :  :  ", "soon", ""])
def test_an_unset_clock_is_no_time(tmp_path: Path, written: str) -> None:
    assert read_header(write_photograph(tmp_path / "a.jpg", written)).time == ""


def test_the_time_taken_is_preferred_to_the_time_of_the_last_change(tmp_path: Path) -> None:
    changed = write_photograph(tmp_path / "a.jpg", "2025:01:01 00:00:00", tag=0x0132)
    assert read_header(changed).time == "2025-01-01T00:00:00"
    digitised = write_photograph(tmp_path / "b.jpg", "2024:01:01 00:00:00", tag=0x9004)
    assert read_header(digitised).time == "2024-01-01T00:00:00"


def test_an_offset_that_the_camera_wrote_is_kept(tmp_path: Path) -> None:
    path = write_photograph(tmp_path / "a.jpg", "2024:05:01 03:04:05", offset="+02:00")
    assert read_header(path).time == "2024-05-01T03:04:05+02:00"


def test_a_model_that_repeats_the_make_is_written_once(tmp_path: Path) -> None:
    assert read_header(
        write_photograph(tmp_path / "a.jpg", make="BROWNING", model="Browning BTC")
    ).camera == ("Browning BTC")


def test_a_jpeg_without_its_end_is_read(tmp_path: Path) -> None:
    path = write_photograph(tmp_path / "a.jpg", "2024:05:01 03:04:05")
    path.write_bytes(path.read_bytes()[:-20])
    assert read_header(path).time == "2024-05-01T03:04:05"


@pytest.mark.parametrize("content", [b"", b"no image", b"\xff\xd8\xff\xe1"])
def test_a_file_that_is_no_image_has_a_fault(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "a.jpg"
    path.write_bytes(content)
    header = read_header(path)
    assert header.fault
    assert header.time == ""


def test_damaged_exif_never_raises(tmp_path: Path) -> None:
    whole = write_photograph(tmp_path / "a.jpg", "2024:05:01 03:04:05", temperature_c=3.0).read_bytes()
    for place in range(20, 200):
        damaged = bytearray(whole)
        damaged[place] ^= 0xFF
        (tmp_path / "b.jpg").write_bytes(damaged)
        assert isinstance(read_header(tmp_path / "b.jpg"), ImageHeader)
