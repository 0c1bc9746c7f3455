from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from PIL import Image

from spotted.cli import main
from spotted.cli.training.pretrain import PAIRS_FILE, SWEEP_FILE, pretrain
from spotted.formats.sources import Source, remember
from spotted.training.pretraining import DEFAULT_LOOP
from spotted.training.runs.folder import read_run
from tests.spotted.training.coats import coat_crops

ANIMALS, EACH = 8, 4
SMALL = ["--network", "test_resnet", "--size", "32", "--epochs", "1", "--batch", "8"]
SMALL += ["--set", "hidden=16", "--set", "outputs=8"]


@pytest.fixture(scope="module")
def surveyed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data directory that knows two surveys of eight animals, each photographed four times every 150 s.

    "coats" has boxes, of a file of MegaDetector for all but the last animal; "bare" has none.
    """
    folder = tmp_path_factory.mktemp("survey")
    crops, animals = coat_crops(ANIMALS, EACH, size=32, seed=3)
    rows, images = ["detection_id,camera_id,timestamp,image,individual_id"], []
    for row, (crop, animal) in enumerate(zip(crops, animals.tolist(), strict=True)):
        Image.fromarray(crop).save(folder / f"{row:02}.png")
        seconds = 150 * (row % EACH)
        time = f"2024-01-{animal + 1:02}T08:{seconds // 60:02}:{seconds % 60:02}Z"
        rows.append(f"d{row:02},A,{time},{row:02}.png,animal {animal}")
        detections = [{"category": "1", "conf": 0.9 if animal < 7 else 0.4, "bbox": [0.1, 0.1, 0.8, 0.8]}]
        images.append({"file": f"{row:02}.png", "detections": detections})
    (folder / "cameras.csv").write_text("camera_id,x_m,y_m,start,end\nA,0,0,2024-01-01,2024-01-31\n")
    (folder / "detections.csv").write_text("\n".join(rows) + "\n")
    boxes = folder / "boxes.json"
    boxes.write_text(json.dumps({"images": images, "detection_categories": {"1": "animal"}}))
    bare = Source(
        cameras=str(folder / "cameras.csv"), detections=str(folder / "detections.csv"), timezone="UTC"
    )
    remember(folder / "data", "bare", bare)
    remember(folder / "data", "coats", replace(bare, boxes=str(boxes)))
    return folder / "data"


def run(data: Path, *arguments: str) -> Result:
    return CliRunner().invoke(main, ["pretrain", *arguments, "--data", str(data)])


def test_pairs_are_reported_without_a_training(surveyed: Path, tmp_path: Path) -> None:
    done = run(surveyed, "coats", "-o", str(tmp_path / "run"), "--pairs-only")
    assert done.exit_code == 0, done.output
    # seven animals have three pairs each; the boxes of the eighth are too uncertain
    assert (
        "21 pairs from 21 pairs of frames; 0 ambiguous; 0 of 21 pairs with known individuals" in done.output
    )
    assert "4 of 32 detections have no camera, time or box" in done.output
    assert "consecutive frames that show the same individual" in done.output
    document = json.loads((tmp_path / "run" / PAIRS_FILE).read_text())
    assert document["counts"]["kept"] == 21
    with Image.open(tmp_path / "run" / SWEEP_FILE) as drawn:
        assert drawn.format == "PNG"
    shifted = run(
        surveyed, "coats", "-o", str(tmp_path / "run"), "--pairs-only", "--least-gap", "200", "--json"
    )
    assert json.loads(shifted.stdout)["pairs"]["counts"]["kept"] == 14


def test_a_survey_becomes_a_run(surveyed: Path, tmp_path: Path) -> None:
    done = run(surveyed, "coats", "-o", str(tmp_path / "coats"), *SMALL, "--views", "both", "--seed", "2")
    assert done.exit_code == 0, done.output
    assert f"next: spotted export-backbone {tmp_path / 'coats'}" in done.output
    assert "individuals held out" in done.output
    written = read_run(tmp_path / "coats")
    assert (written.name, written.method, written.recipe["views"]) == ("coats", "simclr", "both")
    assert written.recipe["knobs.hidden"] == 16.0
    # the defaults that are not given are those of the library
    assert written.recipe["loop.weight_decay"] == DEFAULT_LOOP.weight_decay
    assert written.recipe["loop.optimiser"] == DEFAULT_LOOP.optimiser
    assert (tmp_path / "coats" / PAIRS_FILE).is_file()


def test_a_survey_without_boxes_is_refused_with_the_remedy(surveyed: Path, tmp_path: Path) -> None:
    done = run(surveyed, "bare", "-o", str(tmp_path / "run"), *SMALL)
    assert done.exit_code == 6
    assert "spotted detect bare" in done.output
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("given", "code", "message"),
    [
        (["--set", "hidden"], 2, "--set 'hidden' is not NAME=VALUE"),
        (["--set", "margin=1"], 3, "SimCLR has no setting 'margin'; it has hidden, outputs, temperature"),
        (["--least-gap", "700"], 3, "the least gap exceeds the largest"),
    ],
)
def test_wrong_options_are_named(
    surveyed: Path, tmp_path: Path, given: list[str], code: int, message: str
) -> None:
    done = run(surveyed, "coats", "-o", str(tmp_path / "run"), *SMALL[:6], *given)
    assert done.exit_code == code, done.output
    assert message in " ".join(done.output.split())
    assert pretrain.name == "pretrain"
