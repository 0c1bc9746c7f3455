from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result
from PIL import Image

from spotted.cli.marks.explain import explain
from spotted.cli.marks.heat import drawn_heat
from spotted.client import Crop, EmbeddingSpec, Spotted
from spotted.errors import PreconditionError
from spotted.formats import ImportedSurvey
from spotted.formats.picture import Picture
from spotted.reports.matched_marks import HEIGHT_PX
from spotted.survey import Detection, Survey
from spotted.testing import fake_services


def photograph(path: Path, level: int) -> Path:
    Image.new("RGB", (40, 20), (level, 90, 90)).save(path)
    return path


def explained(spotted: Spotted, directory: Path, monkeypatch: pytest.MonkeyPatch) -> Result:
    """`spotted explain --heat` on two photographs of a survey."""
    survey = Survey("kruger", 0.0, 86_400.0)
    paths = [photograph(directory / f"{name}.png", 40 * n) for n, name in enumerate("ab", 1)]
    pictures = [Picture(Detection(path.stem), path) for path in paths]

    class Source:
        def read(self, _: str) -> ImportedSurvey:
            return ImportedSurvey(survey, tuple(pictures), ())

    monkeypatch.setattr("spotted.cli.marks.explain.recall", lambda *_: Source())
    monkeypatch.setattr("spotted.cli.marks.explain.connect", lambda _: spotted)
    made = spotted.embed_batch([Crop(path.stem, path.read_bytes()) for path in paths])
    vectors = np.stack([one.vector for one in made if one.vector is not None])
    spotted.create_survey(survey).add_detections([p.detection for p in pictures], vectors, made[0].spec)
    return CliRunner().invoke(explain, ["kruger", "a", "b", "--heat", str(directory / "heat.png")])


def test_both_photographs_are_drawn_as_they_are_and_with_their_heat(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with fake_services() as spotted:
        done = explained(spotted, tmp_path, monkeypatch)
    assert done.exit_code == 0, done.output
    assert "the parts that make up the similarity" in done.output
    assert "drawn into" in done.output
    with Image.open(io.BytesIO((tmp_path / "heat.png").read_bytes())) as drawn:
        assert drawn.size == (4 * HEIGHT_PX, 2 * HEIGHT_PX)
        assert drawn.getpixel((5, 5)) == (40, 90, 90)


def test_a_survey_of_another_backbone_is_refused_with_the_remedy() -> None:
    with fake_services() as spotted:
        survey = spotted.create_survey(Survey("kruger", 0.0, 86_400.0))
        spec = EmbeddingSpec("other", "preprocessing", dimension=2)
        survey.add_detections([Detection("a"), Detection("b")], np.eye(2), spec)
        scores = survey.explain_pair("a", "b").score_spec
        with pytest.raises(PreconditionError, match=r"\(other\); start it with that"):
            drawn_heat(spotted, "kruger", [(b"", None), (b"", None)], scores)
