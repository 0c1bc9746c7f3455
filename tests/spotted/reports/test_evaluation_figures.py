from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from spotted.evaluation.comparison import compare, rank_survey
from spotted.evaluation.hardest import find_hardest
from spotted.evaluation.reliability import measure_reliability
from spotted.reports.evaluation_figures import draw_figures, draw_strips, most_seen, read_image
from spotted.survey import Camera, Survey
from tests.spotted.compared_surveys import surveyed


def photograph() -> bytes:
    content = io.BytesIO()
    Image.new("RGB", (60, 40), "blue").save(content, "PNG")
    return content.getvalue()


def test_every_figure_is_a_picture() -> None:
    gallery, detections = surveyed()
    ranked = rank_survey(gallery, detections)
    judged = {"calibrated": measure_reliability(np.array([0.2, 0.9]), np.array([False, True]), np.ones(2))}
    survey = Survey("s", 0.0, 1.0, cameras={"A": Camera("A", 0.0, 0.0)})
    compared = compare(ranked, np.random.default_rng(0))
    drawn = draw_figures(survey, ranked, compared, judged, detections)
    assert len(drawn) == len(draw_figures(survey, ranked, compared, {}, detections)) + 1 == 5
    for figure in drawn:
        Image.open(io.BytesIO(figure.image)).verify()


def test_a_strip_is_drawn_if_all_its_images_are_within_reach() -> None:
    gallery, detections = surveyed()
    ranked = rank_survey(gallery, detections)
    hard = find_hardest(ranked, most=3)
    content = {d.detection_id: photograph() for d in detections}
    content[detections[hard[0].right].detection_id] = b"no image"
    placed = [replace(d, image_uri=d.detection_id) for d in detections]
    shown, missing = draw_strips(ranked, hard, placed, content.__getitem__)
    # the broken image may be one of several strips, never of none
    assert 1 <= missing < 3
    assert len(shown) + missing == 3
    for figure in shown:
        assert "candidates score more" in figure.caption
        Image.open(io.BytesIO(figure.image)).verify()


def test_without_images_nothing_is_shown() -> None:
    gallery, detections = surveyed()
    ranked = rank_survey(gallery, detections)
    assert draw_strips(ranked, find_hardest(ranked, most=3), detections, read_image) == ([], 3)


def test_an_image_is_read_by_path_or_file_uri_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "a b.png"
    path.write_bytes(b"content")
    assert read_image(str(path)) == read_image(path.as_uri()) == b"content"
    with pytest.raises(ValueError, match="not a path or file"):
        read_image("https://example.org/a.png")
    with pytest.raises(ValueError, match="not a path or file"):
        read_image("")
    with pytest.raises(FileNotFoundError):
        read_image(str(tmp_path / "absent.png"))


def test_the_animals_seen_most_are_taken_whole_while_there_is_room() -> None:
    individuals = ["a", "b", "b", "", "c", "b", "a"]
    assert most_seen(individuals, 5).tolist() == [0, 1, 2, 5, 6]
    assert most_seen(individuals, 4).tolist() == [1, 2, 4, 5]
    assert most_seen(individuals, 2).tolist() == [1, 2]
