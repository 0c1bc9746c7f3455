from __future__ import annotations

import io

import numpy as np
from PIL import Image

from benchmarks.grouping.curves import Curve, Curves
from benchmarks.grouping.figure import DPI, PANEL_IN, draw_curves, table_of
from spotted.evaluation.bootstrap import Interval
from spotted.evaluation.comparison import TOP


def curves(scores: str) -> Curves:
    one = Curve(
        np.linspace(0.2, 0.9, 50), dict.fromkeys(TOP, Interval(0.5, 0.4, 0.6)), Interval(0.3, 0.2, 0.4)
    )
    return Curves(10, 6, dict.fromkeys(scores, one), {("a", "b"): [Interval(0.0, -0.1, 0.1)] * 5})


def test_each_survey_is_a_panel_though_it_lacks_a_score() -> None:
    with Image.open(io.BytesIO(draw_curves({"one": curves("ab"), "two": curves("abc")}))) as drawn:
        assert drawn.width == round(2 * PANEL_IN * DPI)


def test_the_table_has_a_line_for_each_score_of_a_survey_and_each_gain() -> None:
    text = table_of({"one": curves("ab"), "two": curves("abc")})
    assert text.count("| 0.500 (0.400 to 0.600) |") >= 5
    assert sum(line.startswith(("| one | 10", "| two | 10")) for line in text.splitlines()) == 5
    assert text.count("| a | b | +0.000 (-0.100 to +0.100) |") == 2
