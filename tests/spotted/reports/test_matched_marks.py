from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from spotted.errors import UnreadableImageError
from spotted.reports.matched_marks import HEIGHT_PX, draw_marks


def grey(width: int, height: int) -> bytes:
    with io.BytesIO() as file:
        Image.new("RGB", (width, height), (90, 90, 90)).save(file, "PNG")
        return file.getvalue()


def test_a_line_joins_both_places_of_a_mark() -> None:
    one, other = grey(100, 50), grey(60, 60)
    drawn = np.asarray(Image.open(io.BytesIO(draw_marks((one, None), (other, (0.0, 0.0, 0.5, 1.0)), []))))
    assert drawn.shape == (HEIGHT_PX, 2 * HEIGHT_PX + HEIGHT_PX // 2, 3)
    assert (drawn == 90).all()
    point = (0.25, 0.5, 0.5, 0.5)
    marked = np.asarray(
        Image.open(io.BytesIO(draw_marks((one, None), (other, (0.0, 0.0, 0.5, 1.0)), [point])))
    )
    rows, columns = np.nonzero((marked != 90).any(axis=2))
    assert abs(rows.mean() - HEIGHT_PX / 2) < 2
    assert (columns.min(), columns.max()) == pytest.approx((HEIGHT_PX / 2, 2.25 * HEIGHT_PX), abs=6)


def test_a_damaged_photograph_is_named() -> None:
    with pytest.raises(UnreadableImageError, match="use another file"):
        draw_marks((b"no image", None), (grey(9, 9), None), [])
