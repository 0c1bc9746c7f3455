from __future__ import annotations

import io
from dataclasses import replace

import pytest
from PIL import Image, UnidentifiedImageError

from spotted.reports.survey.pictures import LONGEST, best_photographs, cut_out
from spotted.survey import Detection, ImageBox, Side


def encoded(image: Image.Image, **options: object) -> bytes:
    content = io.BytesIO()
    image.save(content, "JPEG", quality=95, **options)
    return content.getvalue()


def half_red() -> Image.Image:
    image = Image.new("RGB", (800, 400), "blue")
    image.paste((255, 0, 0), (400, 0, 800, 400))
    return image


def test_the_largest_photograph_of_each_flank_is_chosen() -> None:
    small, large = ImageBox(0, 0, 0.1, 0.1), ImageBox(0, 0, 0.9, 0.9)
    left = Detection("a", side=Side.LEFT, box=small)
    better = replace(left, detection_id="b", box=large)
    right = Detection("c", side=Side.RIGHT)
    front = Detection("d", side=Side.FRONT, box=large)
    assert best_photographs([left, better, front, right]) == [better, right]
    assert best_photographs([front]) == [front]
    unknown = [Detection(name) for name in "zyx"]
    assert [d.detection_id for d in best_photographs(unknown)] == ["x", "y"]


@pytest.mark.parametrize(
    "box", [ImageBox(0.6, 0.2, 0.3, 0.5), ImageBox(480.0, 80.0, 240.0, 200.0, in_pixels=True)]
)
def test_only_the_animal_and_what_is_around_it_is_kept(box: ImageBox) -> None:
    with Image.open(io.BytesIO(cut_out(encoded(half_red()), box))) as shown:
        # 0.3 x 800 and 0.5 x 400 with 15 % on each side
        assert shown.size == (312, 260)
        red, _, blue = shown.convert("RGB").resize((1, 1)).tobytes()
    assert red > 200
    assert blue < 50


def test_a_photograph_is_upright_small_and_without_metadata() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    exif.get_ifd(0x8825)[1] = "S"
    content = cut_out(encoded(half_red(), exif=exif.tobytes()), None)
    with Image.open(io.BytesIO(content)) as shown:
        assert shown.size == (LONGEST // 2, LONGEST)
        assert not shown.getexif()


def test_a_box_at_the_edge_or_of_no_size_still_gives_a_picture() -> None:
    for box in (ImageBox(1.0, 1.0, 0.0, 0.0), ImageBox(-0.2, 0.9, 2.0, 2.0)):
        with Image.open(io.BytesIO(cut_out(encoded(half_red()), box))) as shown:
            assert min(shown.size) >= 1


def test_what_is_no_image_is_refused() -> None:
    with pytest.raises(UnidentifiedImageError):
        cut_out(b"no image", None)
