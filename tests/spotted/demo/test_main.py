from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner
from PIL import Image

from spotted.demo import __main__ as demo
from spotted.errors import InvalidInputError
from spotted.simulation.survey import SimulationParams


def test_every_simulated_detection_has_a_picture_and_a_box_in_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    small = SimulationParams(animals=8, cameras=8, detections=40)
    monkeypatch.setattr(demo, "SimulationParams", lambda: small)
    imported = demo.simulated(tmp_path, seed=3)
    assert "simulated" in imported.notes[0]
    for picture in imported.pictures:
        assert picture.path is not None
        assert picture.box is not None
        assert picture.path.parent == tmp_path
    path = imported.pictures[0].path
    assert path is not None
    with Image.open(path) as image:
        assert image.format == "JPEG"


def test_a_directory_without_captures_is_refused_with_what_is_missing(tmp_path: Path) -> None:
    with pytest.raises(InvalidInputError, match=r"captures/\*/detections.csv"):
        demo.composites(tmp_path)


def test_the_command_ends_with_one_line_and_code_3_on_wrong_data(tmp_path: Path) -> None:
    done = CliRunner().invoke(demo.main, ["--output", str(tmp_path / "out"), "--data", str(tmp_path)])
    assert done.exit_code == 3
    assert "captures" in done.stderr


def test_every_composite_of_the_real_data_is_labelled_so(real_files: Path) -> None:
    made = demo.composites(real_files)
    assert {imported.survey.survey_id for imported, _ in made} == {
        "nyala-x-belize_jaguars",
        "nyala-x-nagarahole_tigers",
    }
    assert {label for _, label in made} == {"composite"}
