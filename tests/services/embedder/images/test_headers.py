from __future__ import annotations

import tracemalloc
from collections.abc import Callable

import pytest

from services.embedder.images.decoding import ByteArray, decode
from services.embedder.images.headers import BRIEF_BYTES, BRIEF_MARKERS, MAX_PIXELS, is_brief, read_header
from spotted.errors import UnreadableImageError
from tests.services.embedder.pictures import FORMATS, encoded
from tools.hostile_images import flat_webp, many_scans, progressive_scans


@pytest.mark.parametrize("kind", FORMATS)
def test_a_header_states_format_and_size(drawing: ByteArray, kind: str) -> None:
    header = read_header(encoded(drawing, kind))
    assert (header.kind, header.width, header.height, header.scans) == (kind, 400, 300, 1)


def test_the_scans_of_a_progressive_file_are_counted(drawing: ByteArray) -> None:
    content = encoded(drawing, "JPEG", progressive=True)
    assert read_header(content).scans == 10
    decode(content)


@pytest.mark.parametrize("hostile", [many_scans, progressive_scans])
def test_scans_are_limited_in_every_jpeg_before_they_are_decoded(
    hostile: Callable[[int, int], bytes],
) -> None:
    # many passes over few pixels are cheap
    assert read_header(hostile(80, 60)).width == 80
    with pytest.raises(
        UnreadableImageError, match=r"[67]\d scans of 8000 x 8000 pixels, more than the 640 mega"
    ):
        decode(hostile(8000, 60))


def test_the_header_of_a_large_image_takes_no_memory() -> None:
    content = flat_webp()
    tracemalloc.start()
    assert read_header(content).width * read_header(content).height == MAX_PIXELS
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 1_000_000


def test_a_header_is_brief_unless_it_could_have_thousands_of_segments(drawing: ByteArray) -> None:
    photograph = encoded(drawing, "JPEG")
    assert is_brief(photograph)
    assert is_brief(b"\x89PNG\r\n\x1a\n" + bytes(12 * BRIEF_MARKERS - 8))
    assert not is_brief(photograph + bytes(BRIEF_BYTES))
    # comments without text, each with a marker of its own
    assert not is_brief(photograph[:2] + b"\xff\xfe\0\2" * BRIEF_MARKERS + photograph[2:])
    assert not is_brief(b"\x89PNG\r\n\x1a\n" + bytes(12 * BRIEF_MARKERS + 8))
