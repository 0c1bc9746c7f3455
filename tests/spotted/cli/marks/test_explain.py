from __future__ import annotations

import numpy as np
import pytest
from click.testing import CliRunner

from spotted.cli.marks.explain import explain
from spotted.client import EmbeddingSpec
from spotted.survey import Detection, Survey
from spotted.testing import fake_services


def test_a_pair_that_was_not_matched_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    with fake_services() as spotted:
        survey = spotted.create_survey(Survey("kruger", 0.0, 86_400.0))
        spec = EmbeddingSpec("backbone", "preprocessing", dimension=2)
        survey.add_detections([Detection("a"), Detection("b")], np.array([[1.0, 0.0], [0.8, 0.6]]), spec)
        monkeypatch.setattr("spotted.cli.marks.explain.connect", lambda _: spotted)
        done = CliRunner().invoke(explain, ["kruger", "a", "b"])
        assert done.exit_code == 0, done.output
        assert "not matched" in done.output
        assert "visual similarity" in done.output
