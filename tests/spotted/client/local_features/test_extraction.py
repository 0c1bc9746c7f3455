from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from spotted.client import Spotted
from spotted.client.ingest import embed_pictures
from spotted.client.local_features.extraction import LocalExtraction
from spotted.client.survey_handle import SurveyHandle
from spotted.client.values import LocalFeatureSpec
from spotted.errors import DigestMismatchError
from spotted.formats.picture import Picture
from spotted.survey import Detection, Survey
from spotted.testing import fake_services
from spotted.testing.fake_local_features import METHOD


@pytest.fixture
def spotted() -> Iterator[Spotted]:
    with fake_services() as client:
        yield client


@pytest.fixture
def survey(spotted: Spotted) -> SurveyHandle:
    return spotted.create_survey(Survey("kruger", 0.0, 1.0))


def pictures(directory: Path, count: int, seed: int = 0) -> list[Picture]:
    rng, made = np.random.default_rng(seed), []
    for number in range(count):
        path = directory / f"{seed}-{number}.png"
        Image.fromarray(rng.integers(0, 256, (8, 8, 3), dtype=np.uint8)).save(path)
        made.append(Picture(Detection(f"d{number}", image_id=path.name), path))
    return made


def test_detections_that_lack_features_get_them_and_no_new_vector(
    spotted: Spotted, survey: SurveyHandle, tmp_path: Path
) -> None:
    first = pictures(tmp_path, 3)
    assert embed_pictures(spotted, survey, first[:2]).local == 0
    done: list[int] = []
    intake = embed_pictures(spotted, survey, first, local=LocalExtraction(METHOD), on_progress=done.append)
    assert (intake.added, intake.updated, intake.unchanged, intake.local) == (1, 0, 2, 3)
    assert sum(done) == 3
    assert survey.with_local_features() == {"d0", "d1", "d2"}
    again = embed_pictures(spotted, survey, first, local=LocalExtraction(METHOD))
    assert (again.unchanged, again.local) == (3, 0)


def test_another_image_gets_other_features(spotted: Spotted, survey: SurveyHandle, tmp_path: Path) -> None:
    embed_pictures(spotted, survey, pictures(tmp_path, 2), local=LocalExtraction(METHOD))
    changed = [pictures(tmp_path, 1, seed=5)[0], pictures(tmp_path, 2)[1]]
    intake = embed_pictures(spotted, survey, changed, local=LocalExtraction(METHOD))
    assert (intake.updated, intake.local) == (1, 1)
    # without extraction the features of a corrected detection are missing until the next run
    embed_pictures(spotted, survey, pictures(tmp_path, 2))
    assert survey.with_local_features() == {"d1"}


def test_features_of_another_method_are_kept_unless_all_are_extracted_again(
    spotted: Spotted, survey: SurveyHandle, tmp_path: Path
) -> None:
    first = pictures(tmp_path, 2)
    embed_pictures(spotted, survey, first)
    survey.add_local_features({"d0": b"old"}, LocalFeatureSpec("old", "old"))
    with pytest.raises(DigestMismatchError):
        embed_pictures(spotted, survey, first, local=LocalExtraction(METHOD))
    intake = embed_pictures(spotted, survey, first, local=LocalExtraction(METHOD, again=True))
    assert intake.local == 2
    assert survey.with_local_features() == {"d0", "d1"}
