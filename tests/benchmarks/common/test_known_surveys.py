from __future__ import annotations

from pathlib import Path

import click
import numpy as np
import pytest

from benchmarks.common.known_surveys import embedded, generated, on_disk
from services.embedder.inference.backbones import Backbone
from spotted.formats.published_sets import read_published
from tests.spotted.camtrapdp_package import write_package
from tests.spotted.published_tree import write_tree

GENERATOR = """
import numpy as np
SHAPES = {"hyena109": {"animals": 8, "images": 40}}
def make(shape, seed):
    rng = np.random.default_rng(seed)
    count = SHAPES[shape]["images"]
    return {
        "X": rng.normal(size=(count, 4)).astype(np.float32),
        "position": rng.random((count, 2)),
        "time": rng.random(count) * 1e6,
        "side": rng.integers(0, 2, count),
        "identity": rng.integers(0, SHAPES[shape]["animals"], count),
    }
"""


def test_every_kind_of_survey_in_a_directory_is_found(tmp_path: Path) -> None:
    write_tree(tmp_path / "LeopardID102" / "LeopardID102", ["A/CAM1_2019-08-01_01-00-00.jpg"])
    write_tree(tmp_path / "sets" / "SpottedHyenaID109", ["B/L/CAM1_2019-08-01_01-00-00.jpg"])
    write_package(tmp_path / "package")
    (tmp_path / "turtles").mkdir()
    (tmp_path / "turtles" / "catalogue.csv").write_text("path,identity\na.jpg,anna\n")
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "index.csv").write_text("path,identity,side,encounter\na.jpg,anna,left,1\n")
    (tmp_path / "captures" / "tigers").mkdir(parents=True)
    (tmp_path / "captures" / "tigers" / "cameras.csv").write_text("camera_id,x_m,y_m\nA,0,0\n")
    (tmp_path / "captures" / "tigers" / "detections.csv").write_text(
        "individual_id,camera_id,timestamp\nt1,A,2000-01-01T02:00\n"
    )
    found = [(survey.survey.survey_id, kind) for survey, kind in on_disk(tmp_path)]
    assert [kind for _, kind in found] == ["composite", "published", "published", "catalogue", "camtrap-dp"]
    assert {survey_id for survey_id, _ in found} >= {
        "photos-x-tigers",
        "LeopardID102",
        "SpottedHyenaID109",
        "turtles",
    }


def test_an_empty_directory_holds_no_survey(tmp_path: Path) -> None:
    assert list(on_disk(tmp_path)) == []


def test_photographs_that_cannot_be_used_are_left_out_and_unknown_animals_have_no_number(
    tmp_path: Path, backbone: Backbone
) -> None:
    names = [f"CAM1_2019-08-01_0{hour}-00-00.jpg" for hour in range(4)]
    root = write_tree(tmp_path / "LeopardID102", [f"A/{names[0]}", f"B/{names[1]}", f"No_ID/{names[2]}"])
    (root / "A" / names[3]).write_bytes(b"no image")
    survey = embedded(read_published(root), "published", backbone)
    assert (survey.name, survey.kind) == ("LeopardID102", "published")
    assert survey.individuals.tolist() == [0, 1, -1]
    assert len(survey.gallery) == 3
    assert np.isnan(survey.gallery.table.position_m).all()
    assert any(f"1 photographs left out, such as A/{names[3]}" in note for note in survey.notes)
    for name, folder in zip(names, ("A", "B", "No_ID"), strict=False):
        (root / folder / name).write_bytes(b"no image")
    with pytest.raises(click.ClickException, match="no photograph of LeopardID102"):
        embedded(read_published(root), "published", backbone)


def test_a_share_of_a_generated_shape_is_smaller_and_does_not_change_the_whole(tmp_path: Path) -> None:
    generator = tmp_path / "generator.py"
    generator.write_text(GENERATOR)
    sizes = [len(generated(generator, "hyena109", 1, share=share).gallery) for share in (1.0, 0.5, 1.0)]
    assert sizes == [40, 20, 40]


def test_a_missing_generator_is_named_with_the_option(tmp_path: Path) -> None:
    with pytest.raises(click.ClickException, match="pass --generator"):
        generated(tmp_path / "nosuch.py", "hyena109", 1)
