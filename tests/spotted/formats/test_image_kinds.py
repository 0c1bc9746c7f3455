from __future__ import annotations

import importlib.util
import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from spotted.errors import InvalidInputError
from spotted.formats.image_kinds import CONVERTED, SENT, missing_reader, open_image, read_sendable

HAS_HEIF = importlib.util.find_spec("pillow_heif") is not None
needs_heif = pytest.mark.skipif(not HAS_HEIF, reason="pillow-heif, an extra, is not installed")
KINDS = [".tif", ".tiff", ".avif", *(pytest.param(suffix, marks=needs_heif) for suffix in (".heic", ".heif"))]
LEFT, RIGHT = (200, 40, 40), (40, 40, 200)


def write(path: Path, *, orientation: int = 1) -> Path:
    """A picture of 64 x 32 pixels, its left half red and its right half blue."""
    pixels = np.zeros((32, 64, 3), np.uint8)
    pixels[:, :32], pixels[:, 32:] = LEFT, RIGHT
    exif = Image.Exif()
    exif[0x0112] = orientation
    if path.suffix in {".heic", ".heif"}:
        import pillow_heif  # noqa: PLC0415 - an extra

        pillow_heif.from_pillow(Image.fromarray(pixels)).save(path, quality=95)
    else:
        Image.fromarray(pixels).save(path, exif=exif.tobytes())
    return path


@pytest.mark.parametrize("suffix", KINDS)
def test_other_kinds_become_jpeg_with_the_same_picture(tmp_path: Path, suffix: str) -> None:
    content = read_sendable(write(tmp_path / f"a{suffix}"))
    with Image.open(io.BytesIO(content)) as image:
        assert (image.format, image.size) == ("JPEG", (64, 32))
        read = np.asarray(image.convert("RGB")).astype(int)
    assert np.abs(read[8:24, 4:24] - LEFT).max() < 16
    assert np.abs(read[8:24, 40:60] - RIGHT).max() < 16


def test_what_services_read_is_sent_as_it_is_even_if_it_is_damaged(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(b"as it is")
    assert read_sendable(tmp_path / "a.jpg") == b"as it is"
    assert not SENT & CONVERTED


def test_a_turned_picture_is_sent_upright(tmp_path: Path) -> None:
    # 6: the camera was turned by a quarter
    content = read_sendable(write(tmp_path / "a.tif", orientation=6))
    with Image.open(io.BytesIO(content)) as image:
        assert image.size == (32, 64)
        assert image.getexif().get(0x0112, 1) == 1
        assert np.abs(np.asarray(image)[10, 16].astype(int) - LEFT).max() < 16


def test_samples_of_sixteen_bits_keep_their_high_byte(tmp_path: Path) -> None:
    Image.fromarray(np.full((16, 16), 200 << 8, np.uint16)).save(tmp_path / "a.tif")
    with Image.open(io.BytesIO(read_sendable(tmp_path / "a.tif"))) as image:
        assert abs(int(np.asarray(image)[8, 8, 0]) - 200) <= 1


@pytest.mark.parametrize("suffix", [".tif", ".avif", pytest.param(".heic", marks=needs_heif)])
def test_a_damaged_file_is_an_error_of_the_file(tmp_path: Path, suffix: str) -> None:
    (tmp_path / f"a{suffix}").write_bytes(b"no image")
    with pytest.raises(OSError, match="cannot identify image file"):
        read_sendable(tmp_path / f"a{suffix}")


def test_a_missing_reader_names_the_remedy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("spotted.formats.image_kinds._has_heif", lambda: False)
    (tmp_path / "a.heic").touch()
    with pytest.raises(InvalidInputError, match=r"pip install 'spotted\[heif\]'"):
        read_sendable(tmp_path / "a.heic")
    monkeypatch.setattr("spotted.formats.image_kinds.features.check", lambda _: False)
    assert "pip install --upgrade pillow" in missing_reader(".AVIF")
    with open_image(write(tmp_path / "b.tif")) as image:
        assert image.size == (64, 32)
