from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from benchmarks.robustness import MOST_POINTS, Fault, Line, bars_of, faults, measure
from spotted.formats.imported_survey import ImportedSurvey
from spotted.formats.picture import Picture
from spotted.scoring.similarity import unit_rows
from spotted.survey import Camera, Detection, Survey

DAY_S = 86_400.0


@pytest.fixture(scope="module")
def imported() -> ImportedSurvey:
    """Twelve cameras of a grid, six animals near two of them each."""
    rng = np.random.default_rng(2)
    cameras = {f"C{n:02}": Camera(f"C{n:02}", n % 4 * 2000.0, n // 4 * 2000.0) for n in range(12)}
    pictures = [
        Picture(
            Detection(
                f"d{n:02}",
                f"C{2 * (n % 6) + int(rng.integers(2)):02}",
                float(rng.uniform(0, 60)) * DAY_S,
                individual_id=f"a{n % 6}",
            ),
            None,
        )
        for n in range(48)
    ]
    return ImportedSurvey(Survey("grid", 0.0, 60 * DAY_S, cameras=cameras), tuple(pictures), ())


def test_far_places_and_long_periods_change_nothing_for_other_cameras(imported: ImportedSurvey) -> None:
    embeddings = unit_rows(np.random.default_rng(1).normal(size=(48, 16)).astype(np.float32))
    absurd = [one for one in faults() if one.title in {"10,000 km outwards", "ends 25,550 days late"}]
    nothing = Fault("period", "nothing", lambda parts, _: parts)
    lines = {one.fault: one for one in measure(imported, embeddings, [*absurd, nothing], most_cameras=3)}
    assert {one.cameras for one in lines.values()} == {3}
    assert (lines["nothing"].worst, lines["nothing"].mean) == (0.0, 0.0)
    # left out of the extent, a period says nothing at all
    assert lines["ends 25,550 days late"].worst == 0.0
    assert abs(lines["10,000 km outwards"].worst_others) < 10 * MOST_POINTS


def test_every_fault_is_of_one_camera_only(imported: ImportedSurvey) -> None:
    cameras = {i: replace(c, start_s=0.0, end_s=DAY_S) for i, c in imported.survey.cameras.items()}
    parts = cameras, list(imported.pictures)
    for fault in faults():
        made = fault.make(parts, "C05")
        others = [i for i in cameras if made[0][i] != cameras[i]]
        moved = {b.detection.camera_id for a, b in zip(parts[1], made[1], strict=True) if a != b}
        assert {*others, *moved} == {"C05"}


def test_the_bars_are_the_worst_place_and_period_of_each_survey() -> None:
    lines = [
        Line("s", kind, "f", 1, worst, "C", 0.0, 0.0)
        for kind, worst in (("place", 0.2), ("place", -1.5), ("period", 0.1), ("clock", 9.0))
    ]
    assert [(bar.value, bar.held) for bar in bars_of(lines)] == [(1.5, False), (0.1, True)]
