from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from services.common.store.store import Store
from services.embedder.inference.backbones import Backbone
from spotted.client import Crop, Spotted
from spotted.client.ingest import BLOCK, embed_pictures
from spotted.formats.picture import Picture
from spotted.survey import Detection, ImageBox, Side, Survey
from tests.services.embedder.serving import serving


@pytest.fixture
def spotted(store: Store, backbone: Backbone, survey_id: str) -> Iterator[Spotted]:
    with serving(store, backbone) as client:
        client.create_survey(Survey(survey_id, 0.0, 1.0))
        yield client


def picture(directory: Path, number: int) -> Picture:
    path = directory / f"{number}.png"
    content = io.BytesIO()
    pixels = np.random.default_rng(number).integers(0, 255, (40, 50, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(content, "PNG")
    path.write_bytes(content.getvalue())
    return Picture(Detection(f"d{number:03}"), path)


def test_pictures_are_stored_once_and_a_second_run_goes_on(
    spotted: Spotted, survey_id: str, tmp_path: Path
) -> None:
    handle = spotted.survey(survey_id)
    pictures = [picture(tmp_path, n) for n in range(BLOCK + 6)]
    done: list[int] = []
    first = embed_pictures(spotted, handle, pictures[:5])
    assert (first.added, first.unchanged, first.failed) == (5, 0, [])
    second = embed_pictures(spotted, handle, pictures, on_progress=done.append)
    assert (second.added, second.unchanged) == (BLOCK + 1, 5)
    assert sum(done) == len(pictures)
    assert {d.detection_id for d in handle.detections()} == {p.detection.detection_id for p in pictures}


def test_the_box_of_a_picture_is_stored_with_its_detection(
    spotted: Spotted, survey_id: str, tmp_path: Path
) -> None:
    handle = spotted.survey(survey_id)
    boxed = replace(picture(tmp_path, 1), box=(0.25, 0.5, 0.5, 0.25))
    assert embed_pictures(spotted, handle, [boxed, picture(tmp_path, 2)]).added == 2
    stored = {d.detection_id: d.box for d in handle.detections()}
    assert stored == {"d001": ImageBox(0.25, 0.5, 0.5, 0.25), "d002": None}


def test_animals_of_one_photograph_are_read_and_sent_once(
    spotted: Spotted, survey_id: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    handle = spotted.survey(survey_id)
    boxes = [(0.05 * n, 0.0, 0.125, 0.5) for n in range(18)]
    herd, other = picture(tmp_path, 1), picture(tmp_path, 2)
    animals = [replace(herd, detection=Detection(f"a{n:02}"), box=box) for n, box in enumerate(boxes)]
    outside = replace(herd, detection=Detection("a99"), box=(1.5, 0.0, 0.2, 0.5))
    read: list[Path] = []

    def counted(path: Path) -> bytes:
        read.append(path)
        return path.read_bytes()

    monkeypatch.setattr("spotted.client.ingest.read_sendable", counted)
    # those of one file need not follow each other; a few were stored before a run was stopped
    embed_pictures(spotted, handle, animals[:2])
    intake = embed_pictures(spotted, handle, [*animals[:9], other, outside, *animals[9:]])
    assert (intake.added, intake.unchanged) == (17, 2)
    ((failed, reason),) = intake.failed
    assert failed == "a99"
    assert "lies outside the image" in reason
    # sixteen in a message
    assert [path.name for path in read] == ["1.png", "1.png", "1.png", "2.png"]
    _, together = handle.detections_with_embeddings()
    apart = [
        spotted.embed_batch([Crop("a", herd.path.read_bytes(), box)])[0].vector
        for box in boxes
        if herd.path is not None
    ]
    # stored as float16
    np.testing.assert_allclose(together[:18], np.stack([v for v in apart if v is not None]), atol=1e-3)


def test_a_tiff_is_embedded_and_a_kind_without_reader_is_listed_with_the_remedy(
    spotted: Spotted, survey_id: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("spotted.formats.image_kinds._has_heif", lambda: False)
    Image.new("RGB", (50, 40), "grey").save(tmp_path / "a.tif")
    (tmp_path / "b.heic").touch()
    pictures = [Picture(Detection("d1"), tmp_path / "a.tif"), Picture(Detection("d2"), tmp_path / "b.heic")]
    intake = embed_pictures(spotted, spotted.survey(survey_id), pictures)
    assert intake.added == 1
    ((failed, reason),) = intake.failed
    assert failed == "d2"
    assert "pip install 'spotted[heif]'" in reason


def test_what_cannot_be_used_is_listed_and_the_others_are_stored(
    spotted: Spotted, survey_id: str, tmp_path: Path
) -> None:
    handle = spotted.survey(survey_id)
    pictures = [picture(tmp_path, n) for n in range(3)]
    broken = picture(tmp_path, 90)
    assert broken.path is not None
    broken.path.write_bytes(b"GIF89a")
    missing = Picture(Detection("d091"), tmp_path / "nosuch.jpg")
    none = Picture(Detection("d092"), None)
    stranger = Picture(Detection("d093", camera_id="nosuch"), pictures[0].path)
    done: list[int] = []
    everything = [*pictures, broken, missing, none, stranger]
    intake = embed_pictures(spotted, handle, everything, on_progress=done.append)
    assert intake.added == 3
    assert sum(done) == len(everything)
    failed = dict(intake.failed)
    assert set(failed) == {"d090", "d091", "d092", "d093"}
    assert failed["d090"].startswith(f"{broken.path}: ")
    assert "nosuch.jpg cannot be read" in failed["d091"]
    assert "no photograph" in failed["d092"]
    assert "'nosuch'" in failed["d093"]


def test_another_image_is_embedded_again_and_corrects_the_detection(
    spotted: Spotted, survey_id: str, tmp_path: Path
) -> None:
    handle = spotted.survey(survey_id)
    pictures = [picture(tmp_path, n) for n in range(3)]
    embed_pictures(spotted, handle, pictures)
    _, before = handle.detections_with_embeddings()
    other = picture(tmp_path, 50)
    changed = replace(pictures[1].detection, image_id="another", side=Side.LEFT)
    pictures[1] = Picture(changed, other.path)
    intake = embed_pictures(spotted, handle, pictures)
    assert (intake.added, intake.updated, intake.unchanged, intake.failed) == (0, 1, 2, [])
    detections, after = handle.detections_with_embeddings()
    assert detections == [p.detection for p in pictures]
    assert [bool((a == b).all()) for a, b in zip(before, after, strict=True)] == [True, False, True]
    again = embed_pictures(spotted, handle, pictures)
    assert (again.updated, again.unchanged) == (0, 3)
