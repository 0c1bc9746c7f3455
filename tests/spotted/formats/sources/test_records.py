from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from spotted.errors import NotFoundError
from spotted.formats.layouts.recognition import CAMTRAP_DP
from spotted.formats.sources.records import (
    detected_boxes,
    forget,
    is_known,
    progress_file,
    recall,
    remember,
)
from spotted.formats.sources.source import Source


def test_a_source_is_remembered_with_all_its_options(tmp_path: Path) -> None:
    source = Source(package="/p", images_root="/i", species="Crocuta crocuta", timezone="Africa/Harare")
    remember(tmp_path, "survey", source)
    assert recall(tmp_path, "survey") == source
    trusting = replace(source, trusted_clocks=("A", "B, C"))
    remember(tmp_path, "survey", trusting)
    assert recall(tmp_path, "survey") == trusting


def test_a_survey_is_known_by_its_very_source(tmp_path: Path) -> None:
    source = Source(package="/p")
    assert not is_known(tmp_path, "survey", source)
    remember(tmp_path, "survey", source)
    assert is_known(tmp_path, "survey", source)
    assert not is_known(tmp_path, "survey", Source(package="/q"))
    assert is_known(
        tmp_path, "survey", Source(package="/p", columns={"camera_id": "Site"}, date_format="%d/%m/%y")
    )


def test_a_survey_that_was_not_imported_here_is_named(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match="'nosuch' was not imported"):
        recall(tmp_path, "nosuch")


def test_a_source_remembered_without_a_layout_is_a_camtrap_dp(tmp_path: Path) -> None:
    remember(tmp_path, "survey", Source(package="/p"))
    path = tmp_path / "imports" / "survey.json"
    fields = json.loads(path.read_text())
    del fields["layout"]
    path.write_text(json.dumps(fields))
    assert recall(tmp_path, "survey").layout == CAMTRAP_DP


@pytest.mark.parametrize("survey_id", ["../secret", "a/b", "..", ""])
def test_no_id_leads_out_of_the_records(tmp_path: Path, survey_id: str) -> None:
    remember(tmp_path, "survey", Source(package="/p"))
    (tmp_path / "secret.json").write_text("{}")
    with pytest.raises(NotFoundError):
        recall(tmp_path, survey_id)
    forget(tmp_path, survey_id)
    assert (tmp_path / "secret.json").exists()


def test_the_boxes_of_a_detector_are_forgotten_with_the_source(tmp_path: Path) -> None:
    remember(tmp_path, "survey", Source(package="/p"))
    boxes = detected_boxes(tmp_path, "survey")
    boxes.parent.mkdir()
    for path in (boxes, progress_file(boxes)):
        path.write_text("{}")
    forget(tmp_path, "survey")
    assert list(boxes.parent.iterdir()) == []
