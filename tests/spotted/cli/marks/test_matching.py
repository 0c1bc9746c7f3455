from __future__ import annotations

import json
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from services.common.store.store import Store
from services.embedder.inference.backbones import Backbone
from spotted.cli.marks.matching import match_marks
from spotted.local_features.methods import installed_methods
from spotted.scoring.fusion import Fusion
from tests.network_methods import COUNT, write_method
from tests.services.embedder.serving import serving
from tests.spotted.cli.conftest import Machine, machine_of

cv2 = pytest.importorskip("cv2", reason="the extra `local` is not installed")


@pytest.fixture
def coats(tmp_path: Path, store: Store, backbone: Backbone, survey_id: str) -> Iterator[Machine]:
    """A machine that has imported two photographs of each of two coats."""
    rows = ["detection_id,camera_id,timestamp,image,individual_id"]
    for animal in range(2):
        rng = np.random.default_rng(animal)
        coat = np.full((240, 360, 3), 200, np.uint8)
        for _ in range(90):
            centre, axes = rng.integers(20, 220, 2).tolist(), rng.integers(3, 12, 2).tolist()
            cv2.ellipse(coat, centre, axes, float(rng.uniform(0, 180)), 0, 360, (60, 50, 40), -1)
        for shot in range(2):
            name = f"coat{animal}-{shot}"
            Image.fromarray(np.roll(coat, 5 * shot, axis=1)).save(tmp_path / f"{name}.png")
            rows.append(f"{name},A,2024-01-0{1 + shot}T00:00Z,{name}.png,animal{animal}")
    (tmp_path / "cameras.csv").write_text("camera_id,x_m,y_m,start,end\nA,0,0,2024-01-01,2024-01-31\n")
    (tmp_path / "detections.csv").write_text("\n".join(rows) + "\n")
    if find_spec("onnx") is not None:
        write_method(tmp_path / "models")
    with serving(store, backbone, models=tmp_path / "models") as spotted:
        machine = machine_of(tmp_path / "data", spotted)
        arguments = ["--cameras", str(tmp_path / "cameras.csv"), "--timezone", "UTC", "--survey", survey_id]
        done = machine.run("import", *arguments, "--detections", str(tmp_path / "detections.csv"))
        assert done.exit_code == 0, done.stderr
        yield machine


def test_marks_are_matched_ranked_explained_and_drawn(coats: Machine, survey_id: str, tmp_path: Path) -> None:
    assert match_marks.name == "match-marks"
    too_early = coats.run("match-marks", survey_id)
    assert too_early.exit_code == 6
    assert "spotted embed" in too_early.stderr
    assert coats.run("embed", survey_id, "--local", "hotspotter").exit_code == 0
    done = coats.run("match-marks", survey_id)
    assert "6 pairs matched, 6 in all" in done.stdout, done.stderr
    assert "0 pairs matched, 6 in all" in coats.run("match-marks", survey_id).stdout
    (ranked,) = coats.spotted.survey(survey_id).candidates(
        detection_ids=["coat0-0"], fusion=Fusion.LOCAL, top_k=3
    )
    assert ranked.candidates[0].detection_id == "coat0-1"
    assert ranked.candidates[0].matched_marks > 10
    found = coats.run("match", survey_id, "--fusion", "local", "--detection", "coat0-0", "--top", "1")
    assert "coat0-1" in found.stdout
    assert str(ranked.candidates[0].matched_marks) in found.stdout
    assert "matched_marks" in found.stdout
    measured = json.loads(coats.run("evaluate", survey_id, "--json").stdout)
    assert measured["scores"]["local"]["top"]["1"] == 1.0
    drawing = tmp_path / "marks.png"
    explained = coats.run(
        "explain", survey_id, "coat0-0", "coat0-1", "--fusion", "local", "--draw", str(drawing)
    )
    assert "matched marks" in explained.stdout
    marks = ranked.candidates[0].matched_marks
    assert f"of {marks:,} matched marks drawn into {drawing}" in explained.stderr
    assert str(ranked.candidates[0].matched_marks) in explained.stdout
    with Image.open(drawing) as image:
        assert image.size[1] == 480
    assert "missing" in coats.run("explain", survey_id, "coat0-0", "missing").stderr


def test_networks_extract_and_match_by_their_files(coats: Machine, survey_id: str) -> None:
    pytest.importorskip("onnx", reason="onnx is not installed; it comes with the extra `export`")
    assert coats.spotted.server_info().local_methods == ("blocks", *installed_methods())
    done = coats.run("embed", survey_id, "--local", "blocks")
    assert "local features of 4 stored" in done.stdout, done.stderr
    assert "6 pairs matched, 6 in all" in coats.run("match-marks", survey_id).stdout
    survey = coats.spotted.survey(survey_id)
    for detection in ("coat0-0", "coat1-1"):
        (ranked,) = survey.candidates(detection_ids=[detection], fusion=Fusion.LOCAL, top_k=3)
        best, *others = sorted(ranked.candidates, key=lambda one: -(one.local or 0.0))
        assert best.detection_id[:5] == detection[:5]
        # the lower half of the square chip lies below the photograph
        assert 4 <= best.matched_marks <= COUNT // 2
        assert best.local is not None
        assert all(best.local > 1.5 * (one.local or 0.0) for one in others)
    pair = survey.explain_pair("coat0-0", "coat0-1", Fusion.LOCAL)
    moved = [point.second_x - point.first_x for point in pair.matched_points]
    assert np.abs(moved).max() < 1e-3
