from __future__ import annotations

import pytest

from services.common.store.store import Store
from services.sampler.session.progress import full_progress, preview_retraction, quick_progress
from services.sampler.session.state import SessionState
from spotted import messages
from spotted.errors import NotFoundError
from spotted.sampling import audit as auditing
from spotted.v1 import sampler_pb2 as pb
from tests.services.sampler.surveys import Sampler, ToyScorer, planted


def progress_of(sampler: Sampler, survey_id: str) -> pb.Progress:
    return sampler.sessions.folded(survey_id, "main").view(full_progress)


def test_progress_counts_what_is_known_and_what_is_open(store: Store, survey_id: str) -> None:
    animals = planted(animals=4, each=4)
    sampler = Sampler(store, ToyScorer(animals))
    sampler.create(survey_id)
    before = progress_of(sampler, survey_id)
    assert (before.detections, before.HasField("open_pairs")) == (0, False)
    sampler.finish(survey_id, animals)
    after = progress_of(sampler, survey_id)
    # of the one round there was, planned before the first answer
    assert (after.detections, after.individuals, after.same_pairs, after.open_pairs) == (16, 4, 24, 120)
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
        progress = progress_of(sampler, survey_id)
        seen.append(progress)
    assert not seen[10].HasField("estimated_remaining_pairs")
    estimated = [p for p in seen if p.HasField("estimated_remaining_pairs")]
    assert estimated
    assert all("an estimate, not a guarantee" in p.summary for p in estimated)
    total = 8 * 10
    # the bound holds: merges that are left are individuals above the true eight
    assert all(p.merges_left_at_most >= p.individuals - 8 for p in seen[60:])
    assert all(p.same_pairs <= total for p in seen)


def test_the_rate_is_that_of_the_last_hour() -> None:
    state = SessionState()
    state.counts.times_s = [0.0, 10_000.0, 10_060.0, 10_120.0]
    assert quick_progress(state, 5).answers_per_minute == pytest.approx(1.0)
    state.counts.times_s = [10_000.0]
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


def test_guarantees_come_with_a_question_about_progress_and_not_with_every_answer(
    store: Store, survey_id: str
) -> None:
    animals = planted(animals=4, each=4)
    sampler = Sampler(store, ToyScorer(animals))
    sampler.create(survey_id)
    sampler.finish(survey_id, animals)
    full = progress_of(sampler, survey_id)
    quick = sampler.sessions.folded(survey_id, "main").view(quick_progress)
    assert [one.target for one in full.guarantees] == [0.90, 0.95, 0.98]
    assert all(one.reached for one in full.guarantees)
    assert "at least 98% of all merges are known" in full.summary
    assert not quick.HasField("merges_left_at_most")
    assert (list(quick.guarantees), list(quick.annotators)) == ([], [])


def test_an_audit_bounds_what_is_left_by_its_own_answers(store: Store, survey_id: str) -> None:
    animals = planted(animals=8, each=2)
    sampler = Sampler(store, ToyScorer(animals))
    sampler.create(survey_id)
    sampler.ask(survey_id)
    assert not progress_of(sampler, survey_id).HasField("audit")
    drawn = sampler.asked(survey_id, count=20, audit=True).questions
    for question in drawn[:12]:
        first, second = sorted(question.detection_ids)
        sampler.answer_truly(survey_id, (first, second), animals)
    state = sampler.sessions.folded(survey_id, "main").view(lambda state, _: state)
    known = [answer for pair in state.audit.pairs if (answer := state.constraints.implied(*pair)) is not None]
    audit = progress_of(sampler, survey_id).audit
    assert (audit.answered, audit.open_pairs) == (len(known), 16 * 15 // 2)
    assert audit.answered >= 12
    assert audit.same_at_most == auditing.bound(len(known), audit.same, 120)
    assert f"a random audit of {audit.answered} of 120 open pairs" in progress_of(sampler, survey_id).summary


def test_annotators_are_listed_with_their_rates_and_agreement(store: Store, survey_id: str) -> None:
    sampler = Sampler(store, ToyScorer({f"d{n}": "a" for n in range(4)}))
    sampler.create(survey_id, trust=pb.TRUST_VERIFIED)
    sampler.ask(survey_id, count=3)
    for annotator, second in (("anna", "d1"), ("ben", "d1"), ("ben", "d2")):
        sampler.answer(survey_id, ("d0", second), pb.ANSWER_SAME, annotator)
    progress = progress_of(sampler, survey_id)
    assert [(one.annotator_id, one.answers) for one in progress.annotators] == [("anna", 1), ("ben", 2)]
    assert all(0 < one.false_same_rate < 0.5 for one in progress.annotators)
    assert (progress.agreement, progress.trust) == (1.0, pb.TRUST_VERIFIED)
    # if everything is SAME, chance would always agree
    assert not progress.HasField("kappa")


def test_error_rates_are_reported_only_if_answers_are_evidence(store: Store, survey_id: str) -> None:
    sampler = Sampler(store, ToyScorer({"d0": "a", "d1": "a"}))
    sampler.create(survey_id)
    sampler.ask(survey_id)
    sampler.answer(survey_id, ("d0", "d1"), pb.ANSWER_SAME)
    (only,) = progress_of(sampler, survey_id).annotators
    assert only.answers == 1
    assert not only.HasField("false_same_rate")
    assert not progress_of(sampler, survey_id).HasField("agreement")


def test_decisions_that_wait_are_counted_and_said(store: Store, survey_id: str) -> None:
    sampler = Sampler(store, ToyScorer({"d0": "a", "d1": "a", "d2": "b"}))
    sampler.create(survey_id, "learned", trust=pb.TRUST_VERIFIED)
    sampler.ask(survey_id)
    outcome = sampler.answer(survey_id, sampler.unlikeliest(survey_id), pb.ANSWER_SAME)
    progress = progress_of(sampler, survey_id)
    assert outcome.effect == pb.LABEL_EFFECT_PENDING
    assert (progress.pending, progress.individuals) == (1, 3)
    assert "1 decisions wait for another answer" in progress.summary


def test_a_preview_is_the_progress_after_the_retraction_and_changes_nothing(
    store: Store, survey_id: str
) -> None:
    animals = planted(animals=3, each=3)
    sampler = Sampler(store, ToyScorer(animals))
    sampler.create(survey_id)
    sampler.finish(survey_id, animals)
    ids = sampler.sessions.folded(survey_id, "main").view(lambda state, _: list(state.labels))
    retracted = pb.LabelsRetracted(label_ids=ids[:4], annotator_id="anna")
    before = progress_of(sampler, survey_id)
    preview = preview_retraction(sampler.sessions, survey_id, "main", retracted)
    assert progress_of(sampler, survey_id) == before
    sampler.sessions.retract(survey_id, "main", retracted, "", quick_progress)
    after = progress_of(sampler, survey_id)
    after.position = preview.position
    assert preview == after != before
    with pytest.raises(NotFoundError, match="or it was retracted"):
        preview_retraction(sampler.sessions, survey_id, "main", retracted)
