"""The sampler's rpcs over a real channel, with the real scorer behind."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest

from services.common.store.store import Store
from services.sampler.scorer_client import ScorerClient
from services.sampler.servicer import SamplerServicer
from services.scorer.__main__ import service as scorer_service
from spotted.client import CandidateFilter, EmbeddingSpec, Label, Questions, Spotted, oracle
from spotted.client.calls import our_errors
from spotted.client.values import EventKind
from spotted.constraints import Trust
from spotted.constraints.answers import Answer, LabelEffect
from spotted.errors import InvalidInputError, NotFoundError
from spotted.facts import KnownIndividuals, Source
from spotted.survey import Camera, Detection, Survey
from spotted.v1 import sampler_pb2 as pb
from tests.services.sampler.surveys import in_process as sampler_service
from tests.services.serving import running
from tests.waiting import PATIENCE_S

SPEC = EmbeddingSpec(backbone_digest="b", preprocessing_digest="p", dimension=16)
ANIMALS = {f"d{i:02}": f"animal-{i % 4}" for i in range(20)}


@pytest.fixture
def spotted(store: Store, survey_id: str) -> Iterator[Spotted]:
    rng = np.random.default_rng(2)
    look = {animal: rng.normal(size=16) for animal in set(ANIMALS.values())}
    vectors = np.stack([look[a] + rng.normal(size=16) * 0.8 for a in ANIMALS.values()]).astype(np.float32)
    detections = [Detection(i, "c", n * 4000.0) for n, i in enumerate(ANIMALS)]
    cameras = {"c": Camera("c", x_m=0.0, y_m=0.0)}
    with running(scorer_service(store)) as scorer:
        client = ScorerClient(scorer)
        with (
            running(sampler_service(store, client)) as sampler,
            Spotted(embedder=scorer, scorer=scorer, sampler=sampler) as made,
        ):
            survey = made.create_survey(Survey(survey_id, 0.0, 100_000.0, cameras=cameras))
            survey.add_detections(detections, vectors, SPEC)
            yield made
        client.close()


def test_a_session_runs_from_the_first_question_to_the_individuals(spotted: Spotted, survey_id: str) -> None:
    spotted.survey(survey_id).create_session("main", strategy="confspal")
    truth = ANIMALS
    answers = oracle.answer_all(spotted.survey(survey_id).session("main"), truth)
    progress = spotted.survey(survey_id).session("main").progress()
    assert progress.same + progress.different == answers
    assert progress.individuals == 4
    found = {frozenset(i.detection_ids) for i in spotted.survey(survey_id).session("main").individuals()}
    assert found == {frozenset(i for i in ANIMALS if ANIMALS[i] == a) for a in ANIMALS.values()}
    assert spotted.survey(survey_id).session("main").next_pairs("someone").finished


def test_lists_come_in_pages(spotted: Spotted, survey_id: str) -> None:
    for name in ("a", "b", "c"):
        spotted.survey(survey_id).create_session(name, strategy="greedy")
    request = pb.ListSessionsRequest(survey_id=survey_id, page_size=2)
    first = spotted.connection.sampler.stub.ListSessions(request, timeout=PATIENCE_S)
    request.page_token = first.next_page_token
    second = spotted.connection.sampler.stub.ListSessions(request, timeout=PATIENCE_S)
    assert [s.session_id for s in [*first.sessions, *second.sessions]] == ["a", "b", "c"]
    assert second.next_page_token == ""
    session = spotted.connection.sampler.stub.GetSession(
        pb.GetSessionRequest(survey_id=survey_id, session_id="b"), timeout=PATIENCE_S
    )
    assert session.session.strategy.strategy_id == "greedy"
    spotted.connection.sampler.stub.DeleteSession(
        pb.DeleteSessionRequest(survey_id=survey_id, session_id="b"), timeout=PATIENCE_S
    )
    with pytest.raises(NotFoundError):
        spotted.survey(survey_id).session("b").progress()


def test_a_conflict_is_listed_until_its_cause_is_retracted(spotted: Spotted, survey_id: str) -> None:
    session = pb.Session(session_id="main", survey_id=survey_id, trust=pb.TRUST_SINGLE)
    spotted.connection.sampler.stub.CreateSession(
        pb.CreateSessionRequest(session=session), timeout=PATIENCE_S
    )
    asked = spotted.survey(survey_id).session("main")
    pair = asked.next_pairs("anna").pairs[0]
    same = Label(pair.first.detection_id, pair.second.detection_id, Answer.SAME, "anna")
    other = replace(same, answer=Answer.DIFFERENT, annotator_id="ben")
    cause = asked.submit_labels([same]).outcomes[0].label
    assert asked.submit_labels([other]).outcomes[0].effect is LabelEffect.CONFLICT
    listed = spotted.connection.sampler.stub.ListConflicts(
        pb.ListConflictsRequest(survey_id=survey_id, session_id="main"), timeout=PATIENCE_S
    )
    assert [c.label.annotator_id for c in listed.conflicts] == ["ben"]
    assert [label.label_id for label in listed.conflicts[0].explanation] == [cause.label_id]
    retracted = spotted.connection.sampler.stub.RetractLabels(
        pb.RetractLabelsRequest(
            survey_id=survey_id, session_id="main", label_ids=[cause.label_id], annotator_id="anna"
        ),
        timeout=PATIENCE_S,
    )
    assert (retracted.progress.conflicts, retracted.progress.different) == (0, 1)


def test_a_watcher_hears_of_every_change(spotted: Spotted, survey_id: str) -> None:
    spotted.survey(survey_id).create_session("main", strategy="greedy")
    stream = spotted.connection.sampler.stub.WatchProgress(
        pb.WatchProgressRequest(survey_id=survey_id, session_id="main"), timeout=PATIENCE_S
    )
    assert next(stream).progress.position == 1
    asked: list[Questions] = []
    thread = threading.Thread(
        target=lambda: asked.append(spotted.survey(survey_id).session("main").next_pairs("anna"))
    )
    thread.start()
    assert next(stream).progress.position == 2
    thread.join()
    stream.cancel()
    assert asked[0].pairs


def test_wrong_requests_are_refused_with_their_field(spotted: Spotted, survey_id: str) -> None:
    spotted.survey(survey_id).create_session("main", strategy="greedy")
    with pytest.raises(InvalidInputError) as caught, our_errors("sampler"):
        spotted.connection.sampler.stub.NextPairs(
            pb.NextPairsRequest(survey_id=survey_id, session_id="main"), timeout=PATIENCE_S
        )
    assert caught.value.field == "annotator_id"
    with pytest.raises(NotFoundError, match="nosuch"):
        spotted.survey(survey_id).session("nosuch").next_pairs("anna")
    events = spotted.connection.sampler.stub.ListEvents(
        pb.ListEventsRequest(survey_id=survey_id, session_id="main"), timeout=PATIENCE_S
    )
    assert [event.WhichOneof("event") for event in events.events] == ["created"]


def test_groups_are_asked_only_of_those_who_show_them_and_answered_in_one_call(
    spotted: Spotted, survey_id: str
) -> None:
    burst = [Detection(f"e{n}", "c", 90_000.0 + n) for n in range(3)]
    vectors = np.random.default_rng(5).normal(size=16).astype(np.float32) + np.zeros((3, 1), np.float32)
    spotted.survey(survey_id).add_detections(burst, vectors, SPEC)
    spotted.survey(survey_id).create_session("main", strategy="learned")
    shows = [pb.QUESTION_KIND_BURST, pb.QUESTION_KIND_GALLERY]
    request = pb.NextPairsRequest(survey_id=survey_id, session_id="main", annotator_id="anna", shows=shows)
    (group,) = spotted.connection.sampler.stub.NextPairs(request, timeout=PATIENCE_S).groups
    assert group.kind == pb.QUESTION_KIND_BURST
    assert [one.detection_id for one in group.detections] == ["e0", "e1", "e2"]
    plain = pb.NextPairsRequest(survey_id=survey_id, session_id="main", annotator_id="ben", count=100)
    asked = spotted.connection.sampler.stub.NextPairs(plain, timeout=PATIENCE_S)
    assert asked.pairs
    assert not asked.groups
    answer = pb.BurstAnswer(detection_ids=["e0", "e1", "e2"], one_animal=True, annotator_id="anna")
    submitted = spotted.connection.sampler.stub.SubmitLabels(
        pb.SubmitLabelsRequest(survey_id=survey_id, session_id="main", bursts=[answer]), timeout=PATIENCE_S
    )
    assert [outcome.effect for outcome in submitted.outcomes] == [pb.LABEL_EFFECT_MERGED] * 2
    assert submitted.progress.same == 2
    assert ["e0", "e1", "e2"] in [
        list(i.detection_ids) for i in spotted.survey(survey_id).session("main").individuals()
    ]


def test_a_gallery_comes_with_its_anchor_and_an_audit_only_with_pairs(
    spotted: Spotted, survey_id: str
) -> None:
    spotted.survey(survey_id).create_session("main", strategy="greedy")
    shows = [pb.QUESTION_KIND_GALLERY]
    request = pb.NextPairsRequest(
        survey_id=survey_id, session_id="main", annotator_id="anna", shows=shows, gallery_size=3
    )
    (group,) = spotted.connection.sampler.stub.NextPairs(request, timeout=PATIENCE_S).groups
    assert (group.kind, len(group.detections), len(group.scores)) == (pb.QUESTION_KIND_GALLERY, 3, 3)
    assert group.anchor.detection_id not in [one.detection_id for one in group.detections]
    request.audit, request.count = True, 4
    with pytest.raises(InvalidInputError, match="asks only pairs"), our_errors("sampler"):
        spotted.connection.sampler.stub.NextPairs(request, timeout=PATIENCE_S)
    request.ClearField("shows")
    audit = spotted.connection.sampler.stub.NextPairs(request, timeout=PATIENCE_S)
    assert (len(audit.pairs), len(audit.groups)) == (4, 0)
    assert {pair.score for pair in audit.pairs} == {0.0}
    # before its first answer it says nothing
    assert spotted.survey(survey_id).session("main").progress().audit is None


def test_every_rpc_of_the_contract_is_served() -> None:
    methods = pb.DESCRIPTOR.services_by_name["SamplerService"].methods
    assert [method.name for method in methods if method.name not in vars(SamplerServicer)] == []


def test_settings_change_by_a_call_and_a_further_annotator_is_told_what_happens(
    spotted: Spotted, survey_id: str
) -> None:
    asked = spotted.survey(survey_id).create_session("main", strategy="greedy")
    pair = asked.next_pairs("anna").pairs[0]
    same = Label(pair.first.detection_id, pair.second.detection_id, Answer.SAME, "anna")
    assert asked.submit_labels([same]).notice == ""
    assert "Its trust is single" in asked.next_pairs("ben").notice
    before = asked.progress().individuals
    assert asked.update(trust=Trust.VERIFIED).individuals == before
    other = asked.next_pairs("ben")
    assert "Its trust is verified" in other.notice
    ids = other.pairs[0].first.detection_id, other.pairs[0].second.detection_id
    answered = asked.submit_labels([Label(*ids, Answer.NOT_COMPARABLE, "ben")])
    assert "Its trust is verified" in answered.notice
    assert answered.progress.individuals == before
    assert asked.next_pairs("ben").notice == ""
    assert (asked.info().trust, asked.info().known_individuals) == (Trust.VERIFIED, KnownIndividuals.BELIEVED)
    limited = CandidateFilter(camera_ids=("c",), captured_from_s=4000.0)
    asked.update(only=limited, ask_opposite_flanks=True)
    assert (asked.info().only, asked.info().ask_opposite_flanks) == (limited, True)
    with pytest.raises(InvalidInputError, match="update_mask names no field"):
        asked.update()


def test_names_of_the_survey_are_believed_and_a_label_against_them_is_a_conflict(
    spotted: Spotted, survey_id: str
) -> None:
    handle = spotted.survey(survey_id)
    named = [Detection(f"n{n}", "c", 90_000.0 + n, individual_id="Mvula") for n in range(3)]
    handle.add_detections(named, np.eye(3, 16, dtype=np.float32), SPEC)
    asked = handle.create_session("main", strategy="greedy")
    assert {frozenset(one.detection_ids) for one in asked.individuals()} >= {frozenset(["n0", "n1", "n2"])}
    conflict = asked.submit_labels([Label("n0", "n2", Answer.DIFFERENT, "anna")]).outcomes[0].conflict
    assert conflict is not None
    (evidence,) = conflict.evidence
    assert (evidence.source, evidence.names) == (Source.KNOWN, ("Mvula",))
    assert list(asked.conflicts()) == [conflict]
    kinds = [event.kind for event in asked.events()]
    assert kinds == [EventKind.CREATED, EventKind.READ, EventKind.LABELLED]
    asked.update(known_individuals=KnownIndividuals.SUGGESTED)
    assert list(asked.conflicts()) == []


def test_questions_that_are_given_back_are_asked_of_others_and_a_preview_stores_nothing(
    spotted: Spotted, survey_id: str
) -> None:
    session = spotted.survey(survey_id).create_session("main", strategy="greedy")
    mine = [
        (pair.first.detection_id, pair.second.detection_id)
        for pair in session.next_pairs("anna", count=3).pairs
    ]
    assert session.release_leases("anna") == 3
    theirs = session.next_pairs("ben", count=3).pairs
    assert [(pair.first.detection_id, pair.second.detection_id) for pair in theirs] == mine
    (outcome,) = session.submit_labels([Label(*mine[0], Answer.SAME, "anna")]).outcomes
    before = session.progress()
    assert session.preview_retraction([outcome.label.label_id], "anna").individuals == before.individuals + 1
    assert session.progress() == before
    with pytest.raises(InvalidInputError, match="annotator_id"):
        session.release_leases("")
    with pytest.raises(NotFoundError):
        spotted.survey(survey_id).session("nosuch").release_leases("anna")
