from __future__ import annotations

from spotted.reports.survey.facts import FoundIndividual
from spotted.survey import Detection, Side
from tests.spotted.reports.survey.ridge import MVULA, SITA, START_S, ridge


def test_an_individual_is_put_in_the_order_of_time_and_unknown_times_come_last() -> None:
    assert [d.detection_id for d in SITA.in_time()] == ["s1", "s2", "s3"]
    assert [d.detection_id for d in MVULA.in_time()] == ["m1", "m2"]
    assert (MVULA.first_s, MVULA.last_s) == (START_S + 3.25 * 86_400, START_S + 3.25 * 86_400)
    timeless = FoundIndividual("x", [Detection("d")])
    assert (timeless.first_s, timeless.last_s, timeless.cameras) == (None, None, ())


def test_both_flanks_are_the_left_and_the_right() -> None:
    assert SITA.both_flanks
    assert not MVULA.both_flanks
    assert MVULA.sides == {Side.LEFT}


def test_individuals_are_those_seen_again_and_singletons() -> None:
    facts = ridge()
    assert [one.name for one in facts.seen_again()] == ["Sita", "Mvula"]
    assert [one.name for one in facts.singletons()] == ["ind-x1"]
