from __future__ import annotations

import pytest

from services.common.store import Store
from services.sampler.progress import full_progress, quick_progress
from services.sampler.state import SessionState
from spotted import messages
from spotted.v1 import sampler_pb2 as pb
from tests.services.sampler.surveys import Sampler, ToyScorer, planted


def test_progress_counts_what_is_known_and_what_is_open(store: Store, survey_id: str) -> None:
    animals = planted(animals=4, each=4)
    sampler = Sampler(store, ToyScorer(animals))
    sampler.create(survey_id)
    before = full_progress(sampler.sessions, sampler.planner, survey_id, "main")
    assert (before.detections, before.HasField("open_pairs")) == (0, False)
    sampler.finish(survey_id, animals)
    after = full_progress(sampler.sessions, sampler.planner, survey_id, "main")
    assert (after.detections, after.individuals, after.same_pairs, after.open_pairs) == (16, 4, 24, 0)
    assert after.merges_left_at_most == 0
    assert after.same >= 12
    assert "4 individuals among 16 detections" in after.summary


def test_the_estimate_is_called_an_estimate_and_only_given_with_answers_enough(
    store: Store, survey_id: str
) -> None:
    animals = planted(animals=8, each=5)
    sampler = Sampler(store, ToyScorer(animals))
    sampler.create(survey_id)
    seen = []
    for _ in range(140):
        pairs = sampler.ask(survey_id)
        if not pairs:
            break
        sampler.answer_truly(survey_id, pairs[0], animals)
        progress = full_progress(sampler.sessions, sampler.planner, survey_id, "main")
        seen.append(progress)
    assert not seen[10].HasField("estimated_remaining_pairs")
    told = [p for p in seen if p.HasField("estimated_remaining_pairs")]
    assert told
    assert all("an estimate, not a guarantee" in p.summary for p in told)
    total = 8 * 10
    # the bound holds: merges that are left are individuals above the true eight
    assert all(p.merges_left_at_most >= p.individuals - 8 for p in seen[60:])
    assert all(p.same_pairs <= total for p in seen)


def test_the_rate_is_that_of_the_last_hour() -> None:
    state = SessionState()
    state.label_times_s = [0.0, 10_000.0, 10_060.0, 10_120.0]
    assert quick_progress(state, 5).answers_per_minute == pytest.approx(1.0)
    state.label_times_s = [10_000.0]
    assert not quick_progress(state, 2).HasField("answers_per_minute")


def test_conflicts_are_pointed_at() -> None:
    state = SessionState()
    planned = pb.PlannedRound(round=1, added_detection_ids=["d1", "d2"])
    state.apply(pb.SessionEvent(planned=planned).SerializeToString())
    labels = [
        pb.Label(
            label_id=str(n),
            first_detection_id="d1",
            second_detection_id="d2",
            answer=answer,
            annotator_id="a",
            create_time=messages.timestamp(float(n)),
        )
        for n, answer in enumerate((pb.ANSWER_SAME, pb.ANSWER_DIFFERENT))
    ]
    state.apply(pb.SessionEvent(labelled=pb.LabelsGiven(labels=labels)).SerializeToString())
    progress = quick_progress(state, 2)
    assert (progress.same, progress.different, progress.conflicts) == (1, 1, 1)
    assert "1 conflicts to look at" in progress.summary
