from __future__ import annotations

from itertools import combinations

import pytest

from spotted.calibration.kinds import CalibrationKind
from spotted.calibration.model import Calibration
from spotted.matching.calibrating import fit_to_known
from spotted.ranking.gallery import Gallery
from spotted.scoring.similarity import unit_rows
from spotted.survey import Survey
from tests.services.scorer.known import known_detections, known_vectors
from tests.services.scorer.planted import CAMERAS, END_S, START_S


@pytest.fixture(scope="module")
def gallery() -> Gallery:
    survey = Survey("ridge", START_S, END_S, cameras={c.camera_id: c for c in CAMERAS})
    return Gallery.of(survey, known_detections(), unit_rows(known_vectors()))


def counts(calibration: Calibration) -> tuple[int, int, int]:
    return calibration.same_pairs, calibration.different_pairs, calibration.individuals


def test_names_and_answers_to_all_pairs_are_the_same_labels(gallery: Gallery) -> None:
    names = [d.individual_id for d in known_detections()]
    by_names, shortage = fit_to_known(gallery, names)
    answers = [(a, b, names[a] == names[b]) for a, b in combinations(range(len(names)), 2)]
    by_answers, _ = fit_to_known(gallery, [""] * len(names), answers)
    assert shortage == ""
    assert counts(by_names) == counts(by_answers)
    assert by_names.same_pairs == sum(same for _, _, same in answers)


def test_without_a_label_it_is_that_of_other_surveys_and_says_what_is_missing(gallery: Gallery) -> None:
    calibration, shortage = fit_to_known(gallery, [""] * len(gallery))
    assert calibration.kind is CalibrationKind.STARTING
    assert counts(calibration)[0] == 0
    assert shortage
