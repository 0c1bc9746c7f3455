from __future__ import annotations

import io

import numpy as np
import pytest
from matplotlib.figure import Figure
from PIL import Image, ImageColor

from spotted.reports import plots
from spotted.survey import Camera, Extent, Survey


def opened(content: bytes) -> Image.Image:
    image = Image.open(io.BytesIO(content))
    image.load()
    return image


def photograph(colour: str) -> bytes:
    content = io.BytesIO()
    Image.new("RGB", (60, 40), colour).save(content, "PNG")
    return content.getvalue()


@pytest.mark.parametrize("extent", [Extent(20_000.0, 86_400.0 * 30), Extent(0.0, 0.0)])
def test_a_feasibility_surface_is_drawn_for_every_extent(extent: Extent) -> None:
    with np.errstate(all="ignore"):
        assert opened(plots.feasibility_surface(extent)).format == "PNG"


def test_matrices_are_ordered_by_individual() -> None:
    individuals = ["b", "a", "b", "a"]
    same = np.array([[i == j for j in individuals] for i in individuals], dtype=np.float32)
    ordered = plots.similarity_matrices(same, same, ["a", "a", "b", "b"])
    blocks = np.kron(np.eye(2), np.ones((2, 2))).astype(np.float32)
    assert plots.similarity_matrices(same, same, individuals) == plots.similarity_matrices(
        blocks, blocks, ["a", "a", "b", "b"]
    )
    assert plots.similarity_matrices(same, same, individuals) != ordered


def test_curves_of_any_length_are_drawn() -> None:
    curves = {"confspal": np.array([0.5, 1.0]), "greedy": np.empty(0)}
    assert opened(plots.matches_found(curves)).format == "PNG"


def test_found_and_reliability_curves_are_drawn_for_one_score_and_for_several() -> None:
    curve = np.linspace(0.2, 1.0, 50)
    for curves in ({"fused": curve}, {"fused": curve, "visual": curve**2}):
        assert opened(plots.cmc(curves)).format == "PNG"
        assert opened(plots.reliability({s: (c, c) for s, c in curves.items()})).format == "PNG"


def test_every_recall_line_is_named_inside_the_picture() -> None:
    curve = {"confspal": np.array([0.5, 1.0])}
    drawn = np.asarray(opened(plots.matches_found(curve)).convert("L"))
    # right of the axes stand the three names and nothing else: the outermost columns stay white
    right_edge = np.flatnonzero((drawn < 128).sum(axis=0) > drawn.shape[0] // 2).max()
    inked = np.count_nonzero(drawn[:, right_edge + 4 :] < 128, axis=0)
    assert inked.any()
    assert not inked[-3:].any()


def test_a_map_leaves_out_cameras_and_animals_that_are_unknown() -> None:
    cameras = {"A": Camera("A", 0.0, 0.0), "B": Camera("B", 1000.0, 0.0), "lost": Camera("lost")}
    survey = Survey("s", 0.0, 1.0, cameras=cameras)
    times, animals = np.array([2.0, 1.0, 3.0]), ["Sita", "Sita", ""]
    with_lost = plots.camera_map(survey, ["A", "B", "lost"], times, animals)
    without = plots.camera_map(survey, ["A", "B"], times[:2], animals[:2])
    assert with_lost == without


def test_the_direction_of_time_shows_on_the_map() -> None:
    cameras = {"A": Camera("A", 0.0, 0.0), "B": Camera("B", 1000.0, 0.0)}
    survey = Survey("s", 0.0, 1.0, cameras=cameras)
    there = plots.camera_map(survey, ["A", "B"], np.array([1.0, 2.0]), ["Sita", "Sita"])
    assert there != plots.camera_map(survey, ["A", "B"], np.array([2.0, 1.0]), ["Sita", "Sita"])
    # a name stands in the legend, and places are relative
    assert there != plots.camera_map(survey, ["A", "B"], np.array([1.0, 2.0]), ["Mvula", "Mvula"])
    moved = {one: Camera(one, (c.x_m or 0.0) + 350_000.0, 9_870_000.0) for one, c in cameras.items()}
    assert there == plots.camera_map(
        Survey("s", 0.0, 1.0, cameras=moved), ["A", "B"], np.array([1.0, 2.0]), ["Sita", "Sita"]
    )


def test_curves_differ_without_their_colours_and_carry_their_names() -> None:
    curve = np.linspace(0.2, 1.0, 50)
    figure = Figure()
    axes = figure.add_subplot()
    plots._draw_curves(axes, {name: (curve, curve**power) for power, name in enumerate("abc", start=1)})
    assert len({line.get_linestyle() for line in axes.lines}) == 3
    assert sorted(text.get_text() for text in axes.texts) == ["a", "b", "c"]
    assert len({text.get_position()[0] for text in axes.texts}) == 3


def test_right_and_wrong_candidates_differ_without_their_colours() -> None:
    tick, cross = (
        opened(plots.strip([plots.Thumbnail(photograph("blue"), ("", ""), same)])).convert("RGB")
        for same in (True, False)
    )
    box = (plots.FRAME, plots.FRAME, plots.FRAME + 24, plots.FRAME + 24)
    marks = [np.asarray(one.crop(box).convert("L")) < 180 for one in (tick, cross)]
    assert (marks[0] != marks[1]).mean() > 0.1


def test_a_strip_frames_the_query_plainly_and_candidates_by_the_truth() -> None:
    pictures = [
        plots.Thumbnail(photograph("blue"), ("query", ""), None),
        plots.Thumbnail(photograph("blue"), ("fused 0.9", "CAM1"), same=True),
        plots.Thumbnail(photograph("blue"), ("fused 0.1", "CAM2"), same=False),
    ]
    sheet = opened(plots.strip(pictures)).convert("RGB")
    cell = plots.THUMBNAIL + 2 * plots.FRAME
    assert sheet.size == (3 * cell, cell + plots.CAPTION)
    for place, colour in enumerate((plots.PLAIN, plots.RIGHT, plots.WRONG)):
        found = sheet.getpixel((place * cell + 2, cell // 2))
        assert isinstance(found, tuple)
        np.testing.assert_allclose(found, ImageColor.getrgb(colour), atol=24)


def test_a_strip_shows_the_whole_of_a_wide_photograph() -> None:
    wide = Image.new("RGB", (300, 100), "blue")
    wide.paste("red", (0, 0, 30, 100))
    content = io.BytesIO()
    wide.save(content, "PNG")
    sheet = opened(plots.strip([plots.Thumbnail(content.getvalue(), ("query", ""), None)])).convert("RGB")
    middle = plots.FRAME + plots.THUMBNAIL // 2
    assert sheet.getpixel((plots.FRAME + 6, middle)) == pytest.approx((255, 0, 0), abs=60)
    assert sheet.getpixel((middle, middle)) == pytest.approx((0, 0, 255), abs=60)
