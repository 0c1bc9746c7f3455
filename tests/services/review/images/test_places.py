from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from services.review.forms.errors import ImageMissingError
from services.review.images.places import MOVED, Places
from spotted.client.values import SurveyInfo
from spotted.errors import InvalidInputError
from spotted.formats.layouts.recognition import PHOTOGRAPHS
from spotted.formats.sources import Source, remember
from spotted.scoring.feasibility import FeasibilityParams
from spotted.survey import Detection

INFO = SurveyInfo("kruger", "", 0.0, 1.0, FeasibilityParams(), None, 0, 0, 1, "", "", "", "uid-1", "", "")


@pytest.fixture
def imported(tmp_path: Path) -> Path:
    """A folder that was imported into the data directory `tmp_path`."""
    folder = tmp_path / "photographs"
    (folder / "cam").mkdir(parents=True)
    (folder / "cam" / "a.jpg").write_bytes(b"a")
    (tmp_path / "secret.jpg").write_bytes(b"secret")
    remember(tmp_path, "kruger", Source(package=str(folder), layout=PHOTOGRAPHS))
    return folder


def test_the_file_that_was_imported_is_read(imported: Path, tmp_path: Path) -> None:
    file = Places(tmp_path).file(INFO, Detection("a", image_uri=str(imported / "cam" / "a.jpg")))
    assert (file.name, file.read()) == ("a.jpg", b"a")
    (imported / "cam" / "a.jpg").unlink()
    with pytest.raises(ImageMissingError, match=r"'a\.jpg'"):
        file.read()


@pytest.mark.parametrize(
    "uri",
    ["{0}/../secret.jpg", "{0}/cam/../../secret.jpg", "{1}/secret.jpg", "secret.jpg", "{0}", "", "{0}/cam"],
)
def test_nothing_outside_the_imported_folder_is_opened(imported: Path, tmp_path: Path, uri: str) -> None:
    named = Detection("a", image_uri=uri.format(imported, tmp_path))
    with pytest.raises(ImageMissingError):
        Places(tmp_path).file(INFO, named)


def test_links_in_the_folder_are_followed_as_at_the_import(imported: Path, tmp_path: Path) -> None:
    (imported / "linked.jpg").symlink_to(tmp_path / "secret.jpg")
    file = Places(tmp_path).file(INFO, Detection("a", image_uri=str(imported / "linked.jpg")))
    assert file.read() == b"secret"


def test_equal_ids_of_two_organisations_are_told_apart_by_uid(imported: Path, tmp_path: Path) -> None:
    detection = Detection("a", image_uri=str(imported / "cam" / "a.jpg"))
    shared = Places(tmp_path, by_uid=True)
    with pytest.raises(ImageMissingError):
        shared.file(INFO, detection)
    remember(tmp_path, "uid-1", Source(package=str(imported), layout=PHOTOGRAPHS))
    assert shared.file(INFO, detection).read() == b"a"
    with pytest.raises(ImageMissingError):
        shared.file(replace(INFO, uid="uid-2"), detection)


def test_a_folder_that_was_moved_is_found_and_checked(imported: Path, tmp_path: Path) -> None:
    detections = [
        Detection("a", image_uri=str(imported / "cam" / "a.jpg")),
        Detection("b", image_uri=str(imported / "cam" / "b.jpg")),
        Detection("c"),
    ]
    target = imported.rename(tmp_path / "elsewhere")
    places = Places(tmp_path)
    for wrong in ("elsewhere", str(tmp_path / "nosuch"), str(tmp_path)):
        with pytest.raises(InvalidInputError) as error:
            places.move(INFO, wrong, detections)
        assert error.value.field == "folder"
    assert not (tmp_path / MOVED).exists()
    assert places.move(INFO, str(target), detections) == (1, 1)
    assert places.file(INFO, detections[0]).read() == b"a"


def test_another_host_is_asked_only_if_it_is_listed(tmp_path: Path) -> None:
    detection = Detection("a", image_uri="https://photos.example/a.jpg")
    with pytest.raises(ImageMissingError, match="SPOTTED_REVIEW_IMAGE_HOSTS"):
        Places(tmp_path).file(INFO, detection)
    file = Places(tmp_path, hosts=("photos.example",)).file(INFO, detection)
    assert (file.path, file.url) == (None, "https://photos.example/a.jpg")
