from __future__ import annotations

import pytest

from benchmarks.common.crops import HEIGHT, LEAST_BYTES, MOST_BYTES, WIDTH, frame, jpeg_crops, mixed_files
from services.embedder.images.decoding import decode
from spotted.errors import UnreadableImageError


def test_crops_are_different_jpeg_files_of_the_promised_size() -> None:
    crops = jpeg_crops(12)
    assert len(set(crops)) == 12
    assert all(LEAST_BYTES <= len(content) <= MOST_BYTES for content in crops)
    assert {decode(content).shape for content in crops} == {(HEIGHT, WIDTH, 3)}


def test_crops_are_the_same_in_every_run() -> None:
    assert jpeg_crops(4) == jpeg_crops(4)


def test_a_frame_has_the_pixels_and_about_the_bytes_of_a_cameras() -> None:
    content = frame(1)
    height, width = decode(content).shape[:2]
    assert (width * height / 1e6, width / height) == (
        pytest.approx(1, rel=0.01),
        pytest.approx(4 / 3, rel=0.01),
    )
    assert 0.2 < len(content) / 1e6 < 0.4


def test_two_files_in_three_are_good_and_each_bad_one_fails_with_its_own_words() -> None:
    good = jpeg_crops(3)
    files = mixed_files(24, good)
    assert [content for content, words in files if not words] == [
        good[i % 3] for i in range(24) if i % 3 != 1
    ]
    bad = [(content, words) for content, words in files if words]
    assert len(bad) == 8
    for content, words in bad:
        with pytest.raises(UnreadableImageError) as raised:
            decode(content)
        assert words in str(raised.value)
