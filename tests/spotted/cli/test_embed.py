from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

from services.common.store.store import Store
from services.embedder.inference.backbones import Backbone
from spotted.cli.embed import embed
from spotted.client import Crop, Preparation, Tone
from tests.services.embedder.serving import serving as embedder_serving
from tests.spotted.cli.conftest import Machine, machine_of


def test_embedding_needs_an_import_first(machine: Machine) -> None:
    done = machine.run("embed", "nosuch")
    assert done.exit_code == 4
    assert "spotted import" in done.stderr


@pytest.fixture
def photographed(tmp_path: Path, store: Store, backbone: Backbone, survey_id: str) -> Iterator[Machine]:
    """A machine with an embedder that has imported three photographs, the last of them the reference."""
    rng = np.random.default_rng(0)
    rows = ["detection_id,camera_id,timestamp,image"]
    for name, brightest in (("dark", 60), ("bright", 255), ("reference", 120)):
        pixels = rng.integers(0, brightest, (40, 40, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(tmp_path / f"{name}.png")
        rows.append(f"{name},A,2024-01-02T00:00Z,{name}.png")
    (tmp_path / "cameras.csv").write_text("camera_id,x_m,y_m,start,end\nA,0,0,2024-01-01,2024-01-31\n")
    (tmp_path / "detections.csv").write_text("\n".join(rows) + "\n")
    with embedder_serving(store, backbone) as spotted:
        machine = machine_of(tmp_path / "data", spotted)
        arguments = ["--cameras", str(tmp_path / "cameras.csv"), "--timezone", "UTC", "--survey", survey_id]
        done = machine.run("import", *arguments, "--detections", str(tmp_path / "detections.csv"))
        assert done.exit_code == 0, done.stderr
        yield machine


def test_photographs_take_the_tones_of_a_reference(
    photographed: Machine, survey_id: str, tmp_path: Path
) -> None:
    spotted, reference = photographed.spotted, tmp_path / "reference.png"
    arguments = ("--tone", "matched", "--reference", str(reference))
    done = photographed.run("embed", survey_id, *arguments)
    assert done.exit_code == 0, done.stderr
    assert "3 detections stored, 0 already stored, 0 failed" in done.stdout
    detections, stored = spotted.survey(survey_id).detections_with_embeddings()
    ids = [d.detection_id for d in detections]
    digest = spotted.add_reference(reference.read_bytes())

    def embedded(preparation: Preparation) -> np.ndarray:
        crops = [Crop(i, (tmp_path / f"{i}.png").read_bytes()) for i in ids]
        vectors = [one.vector for one in spotted.embed(crops, preparation=preparation)]
        return np.stack([vector for vector in vectors if vector is not None])

    matched = embedded(Preparation(Tone.MATCHED, digest))
    np.testing.assert_allclose(stored, matched, atol=1e-3)
    assert np.abs(stored - embedded(Preparation())).max() > 1e-2
    # a survey holds vectors of one preparation
    (tmp_path / "late.png").write_bytes(reference.read_bytes())
    with (tmp_path / "detections.csv").open("a") as table:
        table.write("late,A,2024-01-03T00:00Z,late.png\n")
    other = photographed.run("embed", survey_id, "--tone", "equalised")
    assert other.exit_code == 6, other.output
    assert "embed the whole survey with one backbone" in other.stderr
    fast = photographed.run("embed", survey_id, "--decoding", "fast")
    assert fast.exit_code == 6, fast.output
    assert photographed.run("embed", survey_id, *arguments).exit_code == 0
    assert spotted.survey(survey_id).info().detection_count == 4


def test_matched_tones_and_their_reference_need_each_other(tmp_path: Path) -> None:
    picture = tmp_path / "reference.png"
    picture.write_bytes(b"never read")
    for arguments in (
        ("--tone", "matched"),
        ("--reference", str(picture)),
        ("--tone", "equalised", "--reference", str(picture)),
    ):
        done = CliRunner().invoke(embed, ["any", *arguments])
        assert done.exit_code == 2
        assert "--tone matched and --reference FILE must be given together" in done.stderr
    for other in (["--tone", "equalised"], ["--segment"], ["--local", "hotspotter"]):
        refused = CliRunner().invoke(embed, ["any", "--decoding", "fast", *other])
        assert refused.exit_code == 2
        assert "--decoding fast goes without" in refused.stderr
    unknown = CliRunner().invoke(embed, ["any", "--tone", "sepia"])
    assert unknown.exit_code == 2
    assert "as-taken" in unknown.stderr


def test_an_edited_survey_is_corrected_by_importing_and_embedding_again(
    photographed: Machine, survey_id: str, tmp_path: Path
) -> None:
    handle = photographed.spotted.survey(survey_id)
    assert photographed.run("embed", survey_id).exit_code == 0
    before, vectors = handle.detections_with_embeddings()
    table = tmp_path / "detections.csv"
    # a time, and a photograph under another name
    edited = table.read_text().replace("dark,A,2024-01-02T00:00Z", "dark,A,2024-01-05T00:00Z")
    (tmp_path / "other.png").write_bytes((tmp_path / "reference.png").read_bytes())
    table.write_text(edited.replace("bright.png", "other.png"))
    arguments = ["--cameras", str(tmp_path / "cameras.csv"), "--timezone", "UTC", "--survey", survey_id]
    imported = photographed.run("import", *arguments, "--detections", str(table))
    assert "changed: detection 'dark': captured_at 2024-01-02T00:00:00.000Z -> 2024-01-05" in imported.stdout
    assert "changed: detection 'bright': image_id 'bright.png' -> 'other.png'" in imported.stdout
    done = photographed.run("embed", survey_id)
    assert "0 detections stored, 1 embedded again, 2 already stored, 0 failed" in done.stdout
    after, renewed = handle.detections_with_embeddings()
    assert [d.detection_id for d in after] == [d.detection_id for d in before]
    ids = [d.detection_id for d in after]
    dark, bright, reference = (ids.index(name) for name in ("dark", "bright", "reference"))
    assert after[dark].captured_at_s == (before[dark].captured_at_s or 0) + 3 * 86_400.0
    assert after[bright].image_id == "other.png"
    np.testing.assert_array_equal(renewed[bright], vectors[reference])
    np.testing.assert_array_equal(renewed[dark], vectors[dark])


def test_local_features_are_extracted_once_and_again_on_request(
    photographed: Machine, survey_id: str
) -> None:
    pytest.importorskip("cv2", reason="the extra `local` is not installed")
    done = photographed.run("embed", survey_id, "--local", "hotspotter")
    assert "3 detections stored, 0 already stored, 0 failed, local features of 3 stored" in done.stdout
    stored = photographed.spotted.survey(survey_id).info()
    assert stored.local_feature_count == 3
    assert stored.local_features is not None
    assert stored.local_features.method == "hotspotter"
    assert "local features" not in photographed.run("embed", survey_id, "--local", "hotspotter").stdout
    again = photographed.run("embed", survey_id, "--local", "hotspotter", "--again")
    assert "3 already stored, 0 failed, local features of 3 stored" in again.stdout
    unknown = photographed.run("embed", survey_id, "--local", "nosuch", "--again")
    assert unknown.exit_code == 4
    assert "use one of hotspotter" in unknown.stderr
    assert photographed.run("embed", survey_id, "--again").exit_code == 2
