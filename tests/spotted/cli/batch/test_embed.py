from __future__ import annotations

from pathlib import Path

import pytest

from spotted.cli.batch.embed import embed
from tests.spotted.cli.batch.surveys import run_batch, write_surveys

pytest.importorskip("cv2", reason="the extra `local` is not installed")


def test_directories_without_surveys_and_results_inside_are_refused(tmp_path: Path, models: Path) -> None:
    assert embed.name == "embed"
    common = ("--models", str(models))
    empty = run_batch("embed", str(tmp_path), "-o", str(tmp_path / "out"), *common, code=3)
    assert "has no folders; give the directory that contains the surveys" in empty["stderr"]
    surveys = write_surveys(tmp_path / "surveys")
    inside = run_batch("embed", str(surveys), "-o", str(surveys / "out"), *common, code=3)
    assert "give an -o outside of it" in inside["stderr"]
    unknown = run_batch(
        "embed", str(surveys), "-o", str(tmp_path / "out"), "--model", "nosuch", *common, code=4
    )
    assert "no backbone 'nosuch'" in unknown["stderr"]
    assert not (tmp_path / "out").exists()
