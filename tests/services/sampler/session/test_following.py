"""Sessions whose survey loses, gets back and corrects detections."""

from __future__ import annotations

import itertools
from dataclasses import replace

import pytest

from services.common.store.store import Store
from services.sampler import wire
from services.sampler.individuals.watching import changes_since
from services.sampler.session.catching_up import RETRY_S
from services.sampler.session.following import Following
from services.sampler.session.progress import full_progress, quick_progress
from services.sampler.session.state import SessionState
from spotted.client.answers import pair_label
from spotted.client.session_messages import label_message, questions
from spotted.client.values import Label
from spotted.constraints.answers import Answer
from spotted.errors import NotFoundError, PreconditionError, UnavailableError
from spotted.survey import Side
from spotted.v1 import sampler_pb2 as pb
from tests.services.sampler.individuals.session import OpenSession, numbered
from tests.services.sampler.surveys import Sampler, ToyScorer, events, planted

ANIMALS = planted(animals=4, each=3)
TRUSTS = {"single": pb.TRUST_SINGLE, "verified": pb.TRUST_VERIFIED}


@pytest.fixture
def scorer() -> ToyScorer:
    return ToyScorer(dict(ANIMALS), images={"d00": "i", "d01": "i"})


@pytest.fixture(params=TRUSTS)
def session(request: pytest.FixtureRequest, store: Store, survey_id: str, scorer: ToyScorer) -> OpenSession:
    """Twelve detections, d00 and d01 in one image; d04, d06 and d08 are one animal."""
    sampler = Sampler(store, scorer)
    sampler.create(survey_id, trust=TRUSTS[request.param])
    sampler.ask(survey_id)
    made = OpenSession(sampler, survey_id)
    made.join("d04", "d06", "d08")
    return made


def delete(session: OpenSession, scorer: ToyScorer, detection_id: str) -> None:
    scorer.delete(detection_id)
    session.sampler.changed(session.survey_id)


def put(session: OpenSession, scorer: ToyScorer, detection_id: str, version: int = 0) -> None:
    scorer.put(detection_id, ANIMALS[detection_id], version)
    session.sampler.changed(session.survey_id)


def current(session: OpenSession) -> None:
    """Let the session take in its survey, as every call about it does."""
    session.sampler.sessions.current(session.survey_id, "main")


def progress(session: OpenSession) -> pb.Progress:
    current(session)
    return session.view(lambda state: full_progress(state, state.position))


def test_a_deleted_detection_leaves_its_individual_the_counts_and_the_stream(
    session: OpenSession, scorer: ToyScorer
) -> None:
    before = progress(session)
    cursor = session.view(lambda state: changes_since(state, ""))[-1].cursor
    delete(session, scorer, "d06")
    after = progress(session)
    # d04 and d08 were joined only through it, and stay one animal
    assert numbered(4, 8) in session.partition()
    assert (before.detections, after.detections) == (12, 11)
    assert after.individuals == before.individuals
    assert (before.same_pairs, after.same_pairs) == (3, 1)
    assert after.same == before.same
    (change,) = session.view(lambda state: changes_since(state, cursor))
    assert [list(one.detection_ids) for one in change.individuals] == [["d04", "d08"]]
    with pytest.raises(NotFoundError, match="'d06' was deleted from the survey"):
        session.listed(detection_id="d06")
    with pytest.raises(NotFoundError, match="'d06' was deleted"):
        session.move(["d06"], session.id_of("d02"))


def test_an_individual_of_which_every_detection_was_deleted_ends(
    session: OpenSession, scorer: ToyScorer
) -> None:
    cursor = session.view(lambda state: changes_since(state, ""))[-1].cursor
    session.update("ind-d04", display_name="Sita")
    before = progress(session)
    for detection_id in ("d04", "d06", "d08", "d02"):
        delete(session, scorer, detection_id)
    assert progress(session).individuals == before.individuals - 2
    (change,) = session.view(lambda state: changes_since(state, cursor))
    assert sorted(change.ended_individual_ids) == ["ind-d02", "ind-d04"]
    assert session.listed(display_name="Sita") == []
    with pytest.raises(NotFoundError, match="every detection of individual 'ind-d04' was deleted"):
        session.get("ind-d04")
    put(session, scorer, "d08")
    current(session)
    (sita,) = session.listed(display_name="Sita")
    assert (sita.individual_id, list(sita.detection_ids)) == ("ind-d04", ["d08"])


def test_a_detection_that_comes_back_as_it_was_has_its_labels(
    session: OpenSession, scorer: ToyScorer
) -> None:
    before, partition = progress(session), session.partition()
    delete(session, scorer, "d06")
    assert session.partition() != partition or progress(session) != before
    put(session, scorer, "d06")
    after = progress(session)
    assert session.partition() == partition
    after.position = before.position
    assert after == before


def test_another_vector_under_an_id_inherits_nothing_until_the_first_one_returns(
    session: OpenSession, scorer: ToyScorer
) -> None:
    session.update("ind-d04", display_name="Sita")
    delete(session, scorer, "d06")
    current(session)
    put(session, scorer, "d06", version=1)
    current(session)
    assert {numbered(4, 8), numbered(6)} <= session.partition()
    assert session.id_of("d06") == "ind2-d06"
    session.join("d06", "d02")
    session.update(session.id_of("d06"), display_name="Gita")
    put(session, scorer, "d06", version=0)
    current(session)
    assert {numbered(4, 6, 8), numbered(2)} <= session.partition()
    assert session.get(session.id_of("d02")).display_name == "Gita"
    # a vector that is replaced at once is no other case than one that was deleted before
    put(session, scorer, "d06", version=1)
    current(session)
    assert {numbered(4, 8), numbered(2, 6)} <= session.partition()


def test_nothing_is_asked_about_a_deleted_detection_and_all_else_is(
    session: OpenSession, scorer: ToyScorer
) -> None:
    survey_id, sampler = session.survey_id, session.sampler
    held = sampler.ask(survey_id, "ben", count=3)
    asked: set[str] = set()
    delete(session, scorer, held[0][0])
    gone = held[0][0]
    for _ in itertools.count():
        batch = sampler.asked(survey_id)
        if not batch.questions:
            assert not batch.finished or asked
            break
        pair = batch.questions[0].detection_ids
        asked.update(pair)
        sampler.answer_truly(survey_id, (pair[0], pair[1]), ANIMALS)
    assert gone not in asked
    assert gone not in {i for pair in sampler.ask(survey_id, "ben", count=3) for i in pair}


def test_an_answer_about_a_detection_that_was_deleted_meanwhile_says_so_and_is_kept(
    session: OpenSession, scorer: ToyScorer
) -> None:
    (pair,) = session.sampler.ask(session.survey_id, "ben")
    delete(session, scorer, pair[0])
    outcome = session.sampler.answer(session.survey_id, pair, pb.ANSWER_SAME, "ben")
    assert outcome.effect == pb.LABEL_EFFECT_GONE
    assert outcome.label.label_id
    assert outcome.implied_same_pairs == 0
    put(session, scorer, pair[0])
    current(session)
    assert session.view(lambda state: outcome.label.label_id in state.labels)
    opinion = session.view(lambda state: state.constraints.implied(*state.roster.items(pair)))
    assert opinion in (Answer.SAME, None)


def submit(session: OpenSession, label: Label) -> pb.LabelOutcome:
    given = pb.LabelsGiven(labels=[label_message(label)])
    (outcome,), _ = session.sampler.sessions.submit(session.survey_id, "main", given, "", quick_progress)
    return outcome


def test_an_answer_about_a_picture_that_was_replaced_meanwhile_never_counts_for_the_new_one(
    session: OpenSession, scorer: ToyScorer
) -> None:
    def asked() -> Label:
        batch = session.sampler.asked(session.survey_id, "ben")
        (question,) = questions(wire.next_pairs_response(batch)).pairs
        return pair_label(question, Answer.SAME, "ben")

    before = asked()
    pair = before.first_detection_id, before.second_detection_id
    put(session, scorer, pair[0], version=1)
    assert submit(session, before).effect == pb.LABEL_EFFECT_GONE
    assert session.view(lambda state: state.is_open(state.roster.items(pair)))
    # without versions an answer is about what the detections show now
    now = submit(session, replace(before, versions=(None, None), answer=Answer.DIFFERENT))
    assert now.effect in (pb.LABEL_EFFECT_SEPARATED, pb.LABEL_EFFECT_PENDING)
    with pytest.raises(PreconditionError, match=r"version 7 .*ask for the question again"):
        submit(session, replace(before, versions=(7, 0)))
    put(session, scorer, pair[0], version=0)
    current(session)
    assert session.view(lambda state: state.constraints.implied(*state.roster.items(pair))) in (
        Answer.SAME,
        None,
    )
    assert asked().versions == (0, 0)
    # a journal that is read again says the same
    state = SessionState()
    for entry in session.sampler.sessions.folded(session.survey_id, "main").journal.read(0):
        state.apply(entry)
    assert state.labels == session.view(lambda state: state.labels)
    assert state.constraints.component_ids().tolist() == session.view(
        lambda state: state.constraints.component_ids().tolist()
    )


def test_questions_carry_the_versions_of_the_pictures_that_they_show(
    store: Store, survey_id: str, scorer: ToyScorer
) -> None:
    scorer.put("d03", ANIMALS["d03"], version=2)
    sampler = Sampler(store, scorer)
    sampler.create(survey_id)
    shown = {
        (detection.detection_id, version)
        for question in questions(wire.next_pairs_response(sampler.asked(survey_id, count=50))).pairs
        for detection, version in zip((question.first, question.second), question.versions, strict=True)
    }
    assert shown == {(detection_id, 2 * (detection_id == "d03")) for detection_id in ANIMALS}


def test_the_image_of_a_deleted_detection_no_longer_keeps_animals_apart(
    session: OpenSession, scorer: ToyScorer
) -> None:
    session.join("d00", "d02")
    delete(session, scorer, "d00")
    current(session)
    session.merge("ind-d01", session.id_of("d02"))
    assert numbered(1, 2) in session.partition()
    # it returns with its image: the decision stands, and the answer about it is a conflict
    put(session, scorer, "d00")
    current(session)
    assert numbered(1, 2) in session.partition()
    assert session.view(lambda state: state.conflicts())


def test_corrected_sides_and_cameras_count_for_the_next_question(
    session: OpenSession, scorer: ToyScorer
) -> None:
    state = session.view(lambda state: state)
    first, second = (state.roster.item_of[i] for i in ("d02", "d03"))
    assert state.constraints.is_comparable(first, second)
    scorer.correct("d02", side=Side.LEFT)
    scorer.correct("d03", side=Side.RIGHT)
    session.sampler.changed(session.survey_id)
    current(session)
    assert not session.view(lambda state: state.constraints.is_comparable(first, second))
    rounds = len(events(session.sampler, session.survey_id, "planned"))
    session.sampler.asked(session.survey_id)
    # the round was planned with the old times and places: another one replaces it
    session.sampler.asking._threads.shutdown(wait=True)
    assert len(events(session.sampler, session.survey_id, "planned")) == rounds + 1


def test_one_replica_takes_a_change_in_and_all_know_it_after_a_restart(
    session: OpenSession, scorer: ToyScorer, store: Store
) -> None:
    replica = OpenSession(Sampler(store, scorer), session.survey_id)
    current(replica)
    delete(session, scorer, "d08")
    for each in (session, replica, session):
        current(each)
        assert numbered(4, 6) in each.partition()
    assert len(events(session.sampler, session.survey_id, "read")) == 1
    restarted = OpenSession(Sampler(store, scorer), session.survey_id)
    current(restarted)
    assert restarted.partition() == session.partition()
    put(restarted, scorer, "d08")
    for each in (restarted, session, replica):
        current(each)
        assert numbered(4, 6, 8) in each.partition()
    assert len(events(session.sampler, session.survey_id, "read")) == 2


def test_what_concerns_no_detection_of_the_session_is_no_event(
    session: OpenSession, scorer: ToyScorer
) -> None:
    position = session.position
    scorer.put("new", "animal-9")
    scorer.delete("new")
    scorer.revisions += 1
    session.sampler.changed(session.survey_id)
    current(session)
    # gone and back between two looks
    scorer.delete("d04")
    session.sampler.changed(session.survey_id)
    assert session.position == position


def test_an_imported_session_of_other_versions_keeps_its_detections(
    session: OpenSession, scorer: ToyScorer, store: Store
) -> None:
    put(session, scorer, "d06", version=1)
    current(session)
    session.join("d06", "d04")
    before = session.partition()
    # the copy of the survey never had the first vector, and counts its own as 0
    copy = ToyScorer(dict(ANIMALS), uid="second", images=scorer.images)
    moved = OpenSession(Sampler(store, copy), session.survey_id)
    position = moved.position
    current(moved)
    assert (moved.partition(), moved.position) == (before, position)
    copy.delete("d08")
    moved.sampler.changed(session.survey_id)
    current(moved)
    assert numbered(4, 6) in moved.partition()
    copy.correct("d06", side=Side.LEFT)
    moved.sampler.changed(session.survey_id)
    current(moved)
    assert numbered(4, 6) in moved.partition()


def test_a_survey_that_cannot_be_read_is_tried_again_later(
    session: OpenSession, scorer: ToyScorer, store: Store
) -> None:
    now = [0.0]
    sessions = session.sampler.sessions
    following = Following(store, scorer, lambda read: sessions.event(read=read), clock=lambda: now[0])
    folded, key = sessions.folded(session.survey_id, "main"), (session.survey_id, "main")
    following.follow(folded, key)
    delete(session, scorer, "d08")
    scorer.fails = UnavailableError("the scorer is away")

    def is_known(state: SessionState) -> bool:
        return bool(state.roster.gone)

    for _ in range(2):
        following.follow(folded, key)
        assert not session.view(is_known)
    scorer.fails = None
    following.follow(folded, key)
    # it was away a moment ago
    assert not session.view(is_known)
    now[0] += RETRY_S
    following.follow(folded, key)
    assert session.view(is_known)
    with pytest.raises(NotFoundError, match="does not exist"):
        sessions.current(session.survey_id, "other")


def test_a_survey_that_was_deleted_as_it_was_read_is_read_again_at_once(
    session: OpenSession, scorer: ToyScorer, store: Store
) -> None:
    sessions = session.sampler.sessions
    following = Following(store, scorer, lambda read: sessions.event(read=read), clock=lambda: 0.0)
    folded, key = sessions.folded(session.survey_id, "main"), (session.survey_id, "main")
    delete(session, scorer, "d08")
    scorer.fails = NotFoundError("the survey does not exist")
    following.follow(folded, key)
    scorer.fails = None
    following.follow(folded, key)
    assert session.view(lambda state: bool(state.roster.gone))
