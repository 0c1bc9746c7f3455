from __future__ import annotations

import io
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from services.common.store.store import Store
from services.review.routes.images import CACHED
from spotted.client import EmbeddingSpec
from tests.services.review.images.test_strips import printed, scene
from tests.services.review.surveys_with_photographs import (
    COUNT,
    ORIENTATION,
    SIZE,
    Page,
    local_page,
    photograph,
)
from tests.spotted.formats.test_image_kinds import KINDS, LEFT, write

SPEC = EmbeddingSpec(backbone_digest="b", preprocessing_digest="p", dimension=8)


def opened(content: bytes) -> Image.Image:
    image = Image.open(io.BytesIO(content))
    image.load()
    return image


def test_a_picture_has_pixels_and_nothing_else(page: Page) -> None:
    browser = page.browser()
    for query in ("", "?w=320", "?w=full", "?w=full&crop=box", "?crop=box"):
        response = browser.get(page.image("cam/d03") + query)
        assert response.status_code == 200
        assert response.headers["content-type"] == "image/jpeg"
        assert response.headers["cache-control"] == CACHED
        image = opened(response.content)
        assert not image.getexif()
        assert set(image.info) <= {"jfif", "jfif_version", "jfif_unit", "jfif_density"}
        assert b"MAKER" not in response.content
        assert b"KEEP-ME-SECRET" not in response.content
        assert b"Exif" not in response.content


def test_a_crop_is_the_box_and_what_is_around_it(page: Page) -> None:
    browser = page.browser()
    whole = opened(browser.get(page.image("cam/d03") + "?w=full").content)
    crop = opened(browser.get(page.image("cam/d03") + "?w=full&crop=box").content)
    assert whole.size == SIZE
    # half of each side and 15 % of the longer one on either side
    assert crop.size == (52, 42)
    expected = np.asarray(whole, dtype=float)[9:51, 14:66]
    assert np.abs(np.asarray(crop, dtype=float) - expected).mean() < 12.0


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_picture_is_upright(page: Page, orientation: int) -> None:
    path = page.folder / "c0" / "IMG_0003.JPG"
    stored = photograph(3, orientation=orientation)
    path.write_bytes(stored)
    browser = page.browser()
    image = opened(browser.get(page.image("cam/d03") + "?w=full").content)
    turned = opened(stored)
    assert turned.getexif()[ORIENTATION] == orientation
    assert image.size == (SIZE if orientation < 5 else SIZE[::-1])
    info = browser.get(page.image("cam/d03") + "/info").json()
    assert (info["width"], info["height"]) == image.size


def test_a_picture_that_the_browser_has_is_not_sent_again(page: Page) -> None:
    browser = page.browser()
    first = browser.get(page.image("cam/d03") + "?w=320")
    again = browser.get(page.image("cam/d03") + "?w=320", headers={"if-none-match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    (page.folder / "c0" / "IMG_0003.JPG").write_bytes(photograph(77, size=(90, 70)))
    changed = browser.get(page.image("cam/d03") + "?w=320", headers={"if-none-match": first.headers["etag"]})
    assert changed.status_code == 200
    assert changed.headers["etag"] != first.headers["etag"]


def test_tiles_make_up_the_photograph(page: Page) -> None:
    (page.folder / "c0" / "IMG_0003.JPG").write_bytes(photograph(3, size=(1100, 700)))
    browser = page.browser()
    info = browser.get(page.image("cam/d03") + "/info").json()
    assert (info["tile_size"], info["max_level"]) == (512, 11)
    assert info["box"] == {"x": 0.25, "y": 0.25, "width": 0.5, "height": 0.5}
    whole = opened(browser.get(page.image("cam/d03") + "?w=full").content)
    joined = Image.new("RGB", whole.size)
    for column in range(3):
        for row in range(2):
            tile = browser.get(page.image("cam/d03") + f"/tiles/11/{column}/{row}")
            assert tile.status_code == 200
            joined.paste(opened(tile.content), (512 * column, 512 * row))
    assert np.abs(np.asarray(joined, dtype=float) - np.asarray(whole, dtype=float)).mean() < 3.0
    small = opened(browser.get(page.image("cam/d03") + "/tiles/9/0/0").content)
    assert small.size == (275, 175)
    assert browser.get(page.image("cam/d03") + "/tiles/11/3/0").status_code == 404
    assert browser.get(page.image("cam/d03") + "/tiles/12/0/0").status_code == 404


def test_a_missing_photograph_is_named_without_its_folder_and_found_in_its_new_one(page: Page) -> None:
    browser = page.browser()
    moved = page.folder.parent / "moved"
    shutil.move(page.folder, moved)
    response = browser.get(page.image("cam/d04"))
    assert response.status_code == 404
    error = response.json()["error"]
    assert (error["reason"], error["file"]) == ("IMAGE_MISSING", "IMG_0004.JPG")
    assert str(page.folder) not in response.text
    path = f"/api/surveys/{page.survey_id}/photographs"
    nothing = browser.post(path, json={"folder": str(page.directory)})
    assert (nothing.status_code, nothing.json()["error"]["field"]) == (400, "folder")
    assert browser.post(path, json={"folder": "photos"}).status_code == 400
    assert browser.post(path, json={"folder": str(moved)}).json() == {"found": COUNT, "missing": 0}
    assert browser.get(page.image("cam/d04")).status_code == 200


@pytest.mark.parametrize(
    "uri",
    ["/etc/passwd", "../../data/review/cookies.key", "", "file:///etc/passwd", "https://127.0.0.1/x.jpg"],
)
def test_a_detection_cannot_name_another_file(page: Page, uri: str) -> None:
    (detection,) = (d for d in page.survey.detections() if d.detection_id == "cam/d05")
    outside = page.folder.parent / "outside.jpg"
    outside.write_bytes(photograph(5))
    for other in (uri, str(outside), f"{page.folder}/../outside.jpg"):
        changed = replace(detection, image_uri=other)
        page.survey.update_detections([changed], ["image_uri"])
        response = page.browser().get(page.image("cam/d05"))
        assert response.status_code == 404, other
        assert response.json()["error"]["reason"] == "IMAGE_MISSING"


@pytest.mark.parametrize(
    "path",
    [
        "/img/{survey}/..%2F..%2Fdata%2Freview%2Fcookies.key",
        "/img/{survey}/%2Fetc%2Fpasswd",
        "/img/..%2F..%2Fetc/passwd",
        "/assets/..%2F..%2Fdata%2Freview%2Fcookies.key",
        "/assets/../index.html",
        "/assets/%2e%2e/%2e%2e/data/review/cookies.key",
        "/api/surveys/..%2F..%2Fx/photos",
    ],
)
def test_no_path_leads_to_another_file(page: Page, path: str) -> None:
    response = page.browser().get(path.format(survey=page.survey_id))
    assert response.status_code in {400, 404}


def test_the_strip_of_a_camera_is_hidden_on_request(page: Page) -> None:
    Image.fromarray(printed(scene(1), 30, 0, 255)).save(page.folder / "c0" / "IMG_0003.JPG", quality=95)
    browser = page.browser()

    def brightest(query: str) -> int:
        image = np.asarray(opened(browser.get(page.image("cam/d03") + query).content))
        return int(image[-10:].max())

    addresses = ("?w=320", "?w=full", "/tiles/10/0/1?")
    assert all(brightest(one) > 150 for one in addresses)
    assert all(brightest(f"{one}&mask=1") < 50 for one in addresses)


def test_the_operator_hides_strips_from_everyone(store: Store, survey_id: str, tmp_path: Path) -> None:
    with local_page(store, survey_id, tmp_path, hide_strips=True) as page:
        Image.fromarray(printed(scene(1), 30, 0, 255)).save(page.folder / "c0" / "IMG_0003.JPG", quality=95)
        for query in ("?w=full", "?w=full&mask=0"):
            image = np.asarray(opened(page.browser().get(page.image("cam/d03") + query).content))
            assert image[-10:].max() < 50


@pytest.mark.parametrize("suffix", KINDS)
def test_photographs_of_other_kinds_are_shown_upright_without_metadata(page: Page, suffix: str) -> None:
    file = page.folder / f"IMG_0003{suffix}"
    # the left half red; 6: the camera was turned by a quarter, so that it is at the top
    write(file, orientation=1 if suffix in {".heic", ".heif"} else 6)
    (detection,) = (d for d in page.survey.detections() if d.detection_id == "cam/d03")
    page.survey.update_detections([replace(detection, image_uri=str(file))], ["image_uri"])
    browser = page.browser()
    size = (64, 32) if suffix in {".heic", ".heif"} else (32, 64)
    info = browser.get(page.image("cam/d03") + "/info").json()
    assert (info["width"], info["height"]) == size
    for query in ("?w=320", "?w=full", "?w=320&crop=box", "/tiles/6/0/0"):
        response = browser.get(page.image("cam/d03") + query)
        assert (response.status_code, response.headers["content-type"]) == (200, "image/jpeg")
        image = opened(response.content)
        assert not image.getexif()
        assert "box" in query or image.size == size
        assert np.abs(np.asarray(image, dtype=int)[4, 4] - LEFT).max() < 20


def test_a_file_that_is_no_image_is_refused(page: Page) -> None:
    (page.folder / "c1" / "IMG_0004.JPG").write_bytes(b"GIF89a not an image")
    response = page.browser().get(page.image("cam/d04"))
    assert (response.status_code, response.json()["error"]["reason"]) == (400, "UNREADABLE_IMAGE")
    assert page.browser().get(page.image("cam/d03") + "?w=999999").status_code == 400


def test_a_photograph_of_another_survey_is_found_by_its_id_in_the_session(page: Page) -> None:
    browser = page.browser()
    own = browser.get(page.image("cam/d03"))
    other = browser.get(f"/img/elsewhere/~{page.survey_id}/cam/d03")
    assert (other.status_code, other.content) == (200, own.content)
    assert browser.get(page.image("~elsewhere/cam/d03")).status_code == 404
