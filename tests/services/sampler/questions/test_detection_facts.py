from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest

from services.sampler.questions.detection_facts import DETECTION_BYTES, DetectionFacts
from services.sampler.survey_values import SurveyFacts, Version
from spotted.errors import NotFoundError, UnavailableError
from tests.services.sampler.surveys import CAMERAS, ToyScorer

NOW = Version("first", 1)


class CountingScorer(ToyScorer):
    """Counts how often its facts were read."""

    read_facts = 0

    def facts(self, survey_id: str) -> SurveyFacts:
        self.read_facts += 1
        return super().facts(survey_id)


def test_a_survey_is_read_once_while_it_has_every_detection_that_is_asked_for() -> None:
    scorer = CountingScorer({"d1": "a", "d2": "a"})
    facts = DetectionFacts(scorer)
    first = facts.including("survey-1", NOW, ["d1"])
    assert set(first.detections) == {"d1", "d2"}
    assert first.cameras == CAMERAS
    assert facts.including("survey-1", NOW, ["d2", "d1"]) is first
    assert facts.including("survey-1", NOW, []) is first
    assert scorer.read_facts == 1


def test_a_detection_that_came_later_is_read_again() -> None:
    scorer = CountingScorer({"d1": "a"})
    facts = DetectionFacts(scorer)
    facts.including("survey-1", NOW, ["d1"])
    scorer.animals["d2"] = "b"
    assert facts.including("survey-1", NOW, ["d2"]).detections["d2"].detection_id == "d2"
    assert scorer.read_facts == 2


def test_a_camera_that_moved_is_seen_with_the_next_round() -> None:
    scorer = CountingScorer({"d1": "a"})
    facts = DetectionFacts(scorer)
    before = facts.including("survey-1", NOW, ["d1"])
    scorer.revisions += 1
    # the round that is asked now was planned before
    assert facts.including("survey-1", NOW, ["d1"]) is before
    after = facts.including("survey-1", Version("first", 2), ["d1"])
    assert after.version == Version("first", 2)
    assert facts.including("survey-1", NOW, ["d1"]) is after
    assert scorer.read_facts == 2


def test_a_recreated_survey_under_the_same_id_is_another_one() -> None:
    scorer = CountingScorer({"d1": "a"})
    facts = DetectionFacts(scorer)
    facts.including("survey-1", NOW, ["d1"])
    scorer.uid = "second"
    scorer.times_s["d1"] = 7.0
    assert facts.including("survey-1", Version("second", 1), ["d1"]).detections["d1"].captured_at_s == 7.0


def test_a_round_from_a_store_that_counted_further_is_read_for_once() -> None:
    scorer = CountingScorer({"d1": "a"})
    facts = DetectionFacts(scorer)
    for _ in range(3):
        facts.including("survey-1", Version("elsewhere", 99), ["d1"])
    assert scorer.read_facts == 1


def test_a_detection_that_was_deleted_stays_unknown() -> None:
    facts = DetectionFacts(CountingScorer({"d1": "a"}))
    assert "gone" not in facts.including("survey-1", NOW, ["d1", "gone"]).detections


def test_the_surveys_used_last_are_kept() -> None:
    scorer = CountingScorer({"d1": "a"})
    facts = DetectionFacts(scorer, budget_bytes=2 * DETECTION_BYTES)
    for asked, read in (("a", 1), ("b", 2), ("a", 2), ("c", 3), ("b", 3), ("c", 3), ("a", 4)):
        facts.including(f"survey-{asked}", NOW, ["d1"])
        assert scorer.read_facts == read


def test_what_nobody_asked_for_lately_leaves() -> None:
    scorer = CountingScorer({"d1": "a"})
    facts = DetectionFacts(scorer, idle_s=0.0)
    for asked, read in (("a", 1), ("a", 1), ("b", 2), ("b", 2), ("a", 3)):
        facts.including(f"survey-{asked}", NOW, ["d1"])
        assert scorer.read_facts == read


def test_threads_that_miss_one_detection_at_once_read_it_once() -> None:
    scorer = CountingScorer({"d1": "a"})
    facts = DetectionFacts(scorer)
    together = Barrier(8)

    def ask(_: int) -> int:
        together.wait(10)
        return len(facts.including("survey-1", NOW, ["d1"]).detections)

    with ThreadPoolExecutor(8) as threads:
        assert list(threads.map(ask, range(8))) == [1] * 8
    assert scorer.read_facts == 1


def test_an_unknown_survey_is_not_found_and_what_is_known_needs_no_scorer() -> None:
    scorer = CountingScorer({"d1": "a"})
    facts = DetectionFacts(scorer)
    with pytest.raises(NotFoundError):
        facts.including("nosuch", NOW, ["d1"])
    facts.including("survey-1", NOW, ["d1"])
    scorer.fails = UnavailableError("gone")
    assert facts.including("survey-1", NOW, ["d1"]).detections
    with pytest.raises(UnavailableError):
        facts.including("survey-1", NOW, ["d2"])
