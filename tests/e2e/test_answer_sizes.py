"""Every answer stays below the largest message, 4 MiB, whatever its content."""

from __future__ import annotations

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest
from google.protobuf.descriptor import Descriptor

from services.common.rpc import checks
from services.common.rpc.message_sizes import MAX_MESSAGE_BYTES
from services.common.session.labels import LONGEST_NOTE
from services.common.session.settings import MOST_SURVEYS
from services.common.store.store import Store
from services.common.survey.history import DetectionChange
from services.embedder import wire as embedder_wire
from services.sampler import wire
from services.sampler.individuals.listing import get_individual
from services.sampler.individuals.results import change_result
from services.sampler.individuals.watching import changes_since
from services.sampler.labels import label_outcomes
from services.sampler.questions.next_questions import ANSWER_BYTES
from services.sampler.session import progress
from services.sampler.session.sessions import Sessions
from services.sampler.session.state import SessionState
from services.scorer import responses
from services.scorer.candidates import CandidateList, ScoredCandidate
from services.scorer.detections import AddResult, DetectionBlock, add_block, response
from services.scorer.matrices import Matrix, compute_blocks
from spotted import messages
from spotted.constraints.answers import Answer, LabelEffect, LabelledPair, LabelOutcome
from spotted.constraints.explanation import Explanation
from spotted.errors import InvalidInputError, PreconditionError
from spotted.ranking.ranker import Ranked
from spotted.sampling.questions import Kind
from spotted.scoring.fusion import Fusion
from spotted.scoring.pair_scores import PairScores
from spotted.survey import Camera, Detection
from spotted.v1 import (
    catalogue_pb2,
    corrections_pb2,
    embedder_pb2,
    individuals_pb2,
    operations_pb2,
    sampler_pb2,
    scorer_pb2,
    survey_pb2,
)
from spotted.v1.session_facts_pb2 import KNOWN_INDIVIDUALS_IGNORED
from tests.services.journal_entries import push
from tests.services.sampler.surveys import Sampler, ToyScorer
from tests.services.sampler.versions import roster

FILES = (embedder_pb2, operations_pb2, sampler_pb2, scorer_pb2, catalogue_pb2)
# a letter of four bytes
LETTER = "𐌀"
CAMERA = LETTER * checks.ID_LENGTH
# answers that hold several or large items, with what bounds them
BOUNDED = {
    "Embed": "16 vectors with local features",
    "EmbedStream": "one vector with local features",
    "GetHeatMap": "two grids of at most 1,024 cells, and 100 matches",
    "ApplyHead": "test_adapted_vectors",
    "ListModels": "backbones that the operator loads, 100 in a page",
    "GetServerInfo": "backbones and methods that the operator loads",
    "TrainHead": "metrics that the service names",
    "MatchLocalFeatures": "metrics that the service names",
    "GetLocalScores": "parts near 1 MiB; tests/services/scorer/local/test_score_responses.py",
    "ExplainPair": "100 matched points",
    "GetOperation": "metrics that the service names",
    "WatchOperation": "metrics that the service names",
    "CancelOperation": "metrics that the service names",
    "ListSurveys": "test_a_page_of_surveys",
    "ListCameras": "test_a_page_of_cameras",
    "AddDetections": "test_rejections",
    "ListDetections": "test_a_page_of_detections",
    "GetCandidates": "test_candidates",
    "QueryCandidates": "test_candidates",
    "ScorePairs": "test_scores_of_pairs",
    "GetScoreMatrix": "test_a_row_of_a_matrix",
    "ListSessions": "test_a_page_of_sessions",
    "NextPairs": "test_questions",
    "SubmitLabels": "test_outcomes",
    "RetractLabels": "test_progress",
    "CreateSession": "settings, as many as the request has",
    "GetSession": "settings, as many as its requests had",
    "UpdateSession": "settings, as many as the request has",
    "ImportSession": "settings, as many as its first event has",
    "UpdateDetections": "results, as many as the request has detections",
    "AddLocalFeatures": "results, as many as the request has features",
    "ListDetectionChanges": "test_a_page_of_changes",
    "ListConflicts": "test_conflicts",
    "GetProgress": "test_progress",
    "WatchProgress": "test_progress",
    "ListIndividuals": "test_individuals",
    "GetIndividual": "test_individuals",
    "UpdateIndividual": "test_the_result_of_a_change",
    "MergeIndividuals": "test_the_result_of_a_change",
    "SplitIndividual": "test_the_result_of_a_change",
    "MoveDetections": "test_the_result_of_a_change",
    "UndoChange": "test_the_result_of_a_change",
    "WatchIndividuals": "test_watched_individuals",
    "ListEvents": "test_events",
    "ListCatalogueEntries": "parts of 500 members; tests/services/scorer/catalogue/test_listing.py",
    "GetCatalogueEntry": "refused if too large; tests/services/scorer/catalogue/test_listing.py",
    "AddCatalogueMembers": "results, as many as the request has additions, with ten ids each",
    "UpdateCatalogueEntry": "3 MiB of entries; tests/services/scorer/catalogue/test_listing.py",
    "MergeCatalogueEntries": "3 MiB of entries; tests/services/scorer/catalogue/test_listing.py",
    "SplitCatalogueEntry": "3 MiB of entries; tests/services/scorer/catalogue/test_listing.py",
    "RemoveCatalogueMembers": "3 MiB of entries; tests/services/scorer/catalogue/test_listing.py",
    "UndoCatalogueChange": "3 MiB of entries; tests/services/scorer/catalogue/test_listing.py",
    "ListCatalogueChanges": "1 MiB of each list; tests/services/scorer/catalogue/test_listing.py",
    "WatchCatalogue": "parts near 1 MiB; tests/services/scorer/catalogue/test_watching.py",
    "ReadCatalogueMembers": "parts near 1 MiB; tests/services/scorer/catalogue/test_members.py",
    "MatchCatalogue": "100 candidates; tests/services/scorer/catalogue/test_responses.py",
}


def grows(kind: Descriptor) -> bool:
    """Whether a message has a field with several items or with bytes."""
    return any(
        field.is_repeated
        or field.type == field.TYPE_BYTES
        or (field.message_type is not None and grows(field.message_type))
        for field in kind.fields
    )


def test_the_table_has_every_answer_that_may_be_large_and_its_tests_exist() -> None:
    methods = [m for f in FILES for s in f.DESCRIPTOR.services_by_name.values() for m in s.methods]
    assert len(methods) == 69
    assert {m.name for m in methods if grows(cast("Descriptor", m.output_type))} == set(BOUNDED)
    tests = {name for name in globals() if name.startswith("test_")}
    for bound in BOUNDED.values():
        assert not bound.startswith("test_") or any(test.startswith(bound) for test in tests), bound


def longest(number: int, length: int = checks.ID_LENGTH) -> str:
    """A distinct id of the largest size."""
    return f"{number:06}".rjust(length, LETTER)


def detection(number: int) -> Detection:
    return Detection(
        longest(number),
        CAMERA,
        0.5,
        image_id=longest(number),
        encounter_id=CAMERA,
        individual_id=CAMERA,
        image_uri=LETTER * checks.URI_LENGTH,
    )


def pages(items: list[Any], message: Any) -> Iterator[list[Any]]:  # noqa: ANN401 - any items
    token, more = "", True
    while more:
        made, token = checks.message_page(items, message, 10_000, token, "list")
        yield made
        more = bool(token)


def test_the_longest_detection_is_accepted_and_one_longer_is_not() -> None:
    message = messages.detection_message(detection(1))
    checks.detection(message, "detection")
    message.image_uri += LETTER
    with pytest.raises(InvalidInputError, match="use at most 2048"):
        checks.detection(message, "detection")


def test_a_page_of_surveys_fits() -> None:
    survey = survey_pb2.Survey(
        survey_id="s" * 129, display_name=LETTER * checks.NAME_LENGTH, etag="e" * 64, head_digest="h" * 64,
        calibration_digest="c" * 64, uid="u" * 64, start_time=messages.timestamp(0.5),
        end_time=messages.timestamp(1.5), camera_count=2**32 - 1, detection_count=2**32 - 1,
        revision=2**64 - 1,
    )  # fmt: skip
    survey.embedding.backbone_digest = survey.embedding.preprocessing_digest = CAMERA
    survey.feasibility.decay = survey.feasibility.max_speed_kmh = 1.0
    answer = scorer_pb2.ListSurveysResponse(surveys=[survey] * 500, next_page_token="t" * 64)
    assert answer.ByteSize() < MAX_MESSAGE_BYTES


def test_a_page_of_sessions_fits() -> None:
    session = sampler_pb2.Session(
        session_id="s" * 64, survey_id="s" * 129, seed=2**64 - 1, create_time=messages.timestamp(0.5)
    )
    session.strategy.strategy_id, session.strategy.eps = "mean-linkage", 0.5
    session.catalogue_survey_ids.extend(["s" * 64] * MOST_SURVEYS)
    answer = sampler_pb2.ListSessionsResponse(sessions=[session] * 1000)
    assert answer.ByteSize() < MAX_MESSAGE_BYTES


def test_a_page_of_cameras_fits_and_all_come_once() -> None:
    cameras = [
        Camera(longest(n), 1.0, 1.0, 0.5, 1.5, 1.0, clock_suspect=True, station=longest(0))
        for n in range(5000)
    ]
    listed = list(pages(cameras, messages.camera_message))
    assert [messages.camera(c) for page in listed for c in page] == cameras
    for page in listed:
        assert scorer_pb2.ListCamerasResponse(cameras=page).ByteSize() < MAX_MESSAGE_BYTES


def test_a_page_of_detections_fits() -> None:
    stored = [detection(n) for n in range(200)]
    snapshot = SimpleNamespace(
        detections=stored,
        base=np.ones((200, 4096), np.float16),
        survey=survey_pb2.Survey(),
        versions={},
        local=SimpleNamespace(keys={}),
    )
    scored = SimpleNamespace(snapshot=snapshot, gallery=SimpleNamespace(embeddings=snapshot.base))
    request = scorer_pb2.ListDetectionsRequest(include_embeddings=True)
    answer = responses.detections_response(request, cast("Any", scored))
    assert 1 <= len(answer.detections) < 200
    assert answer.next_page_token
    assert answer.ByteSize() < MAX_MESSAGE_BYTES


def test_a_page_of_changes_of_detections_fits() -> None:
    changes = [DetectionChange(longest(n), stored=True, version=1) for n in range(10_000)]
    request = corrections_pb2.ListDetectionChangesRequest(survey_id="s", page_size=10_000)
    answer = responses.changes_response(request, changes, survey_pb2.Survey())
    assert 1 <= len(answer.changes) < len(changes)
    assert answer.next_page_token
    assert answer.ByteSize() < MAX_MESSAGE_BYTES


def candidates(count: int) -> CandidateList:
    one = ScoredCandidate(CAMERA, CAMERA, 0.5, 0.5, 0.5, f"needs 4.1 km/h between {CAMERA} and {CAMERA}")
    return CandidateList(longest(1), (one,) * count, 10**6, ())


def test_candidates_fit_or_are_refused() -> None:
    scored = SimpleNamespace(
        spec=lambda _: survey_pb2.ScoreSpec(), snapshot=SimpleNamespace(survey=survey_pb2.Survey())
    )
    lists = iter([candidates(100)] * 30)
    answers = list(responses.list_responses(lists, cast("Any", scored), Fusion.PRODUCT))
    assert sum(len(answer.lists) for answer in answers) == 30
    for answer in answers:
        assert answer.ByteSize() < MAX_MESSAGE_BYTES
    with pytest.raises(InvalidInputError, match="lower top_k") as refused:
        responses.candidate_list(candidates(10_000))
    assert refused.value.field == "top_k"


def test_candidates_as_columns_fit() -> None:
    row = np.ones(10_000, np.float32)
    one = Ranked(0, np.zeros(10_000, np.int64), PairScores(row, row, row), 1)
    scored = SimpleNamespace(
        spec=lambda _: survey_pb2.ScoreSpec(), snapshot=SimpleNamespace(survey=survey_pb2.Survey())
    )
    for answer in responses.column_responses(iter([one] * 30), cast("Any", scored), Fusion.PRODUCT):
        assert answer.ByteSize() < MAX_MESSAGE_BYTES


def test_scores_of_pairs_fit() -> None:
    row = np.ones(10_000, np.float32)
    answer = responses.pair_scores(PairScores(row, row, row), survey_pb2.ScoreSpec())
    assert answer.ByteSize() < MAX_MESSAGE_BYTES


def test_a_row_of_a_matrix_that_does_not_fit_is_refused() -> None:
    scored = SimpleNamespace(snapshot=SimpleNamespace(detections=range(1_100_000)))
    matrix = Matrix((), (), Fusion.PRODUCT, np.dtype(np.float32), 0)
    with pytest.raises(InvalidInputError, match="name fewer columns"):
        next(compute_blocks(cast("Any", scored), matrix))


def test_adapted_vectors_that_do_not_fit_are_refused() -> None:
    request = embedder_pb2.ApplyHeadRequest(embeddings=messages.tensor(np.ones((1100, 1000), np.float16)))
    with pytest.raises(InvalidInputError, match="send at most") as refused:
        embedder_wire.base_embeddings(request)
    assert refused.value.field == "embeddings"


def test_rejections_fit_or_are_refused() -> None:
    def block(count: int, length: int) -> DetectionBlock:
        ids = [longest(n, length) for n in range(count)]
        faults = {i: InvalidInputError(f"detection {i!r} is wrong, {i!r}") for i in ids}
        return DetectionBlock(
            "s", survey_pb2.EmbeddingSpec(), [Detection(i) for i in ids], np.ones((count, 2)), faults
        )

    class Unchanged:
        def folded(self, _: str) -> Unchanged:
            return self

        def change(self, decide: Any, *, scope: str) -> None:  # noqa: ANN401, ARG002 - as the state's
            survey = survey_pb2.Survey()
            decide(SimpleNamespace(survey=survey, detections={}, digests={}, cameras={}))

        def grown(self, _survey_id: str, added_bytes: int) -> None:
            assert added_bytes == 0

    total = AddResult()
    for _ in range(3):
        add_block(cast("Any", Unchanged()), block(200, 256), total)
    assert response(total, survey_pb2.Survey()).ByteSize() < MAX_MESSAGE_BYTES
    many = AddResult(rejected=total.rejected * 20)
    with pytest.raises(InvalidInputError, match="were rejected"):
        add_block(cast("Any", Unchanged()), block(200, 256), many)


def long_animals(count: int) -> dict[str, str]:
    return {longest(n): f"animal-{n % 2}" for n in range(count)}


class LongScorer(ToyScorer):
    """The toy survey with detections of the largest size."""

    def _detections(self) -> dict[str, Detection]:
        return {i: detection(int(i[-6:])) for i in self.animals}


@pytest.mark.parametrize("kinds", [{Kind.PAIR}, {Kind.PAIR, Kind.GALLERY}])
def test_questions_fit_and_what_does_not_fit_is_not_leased(
    store: Store, survey_id: str, kinds: set[Kind], monkeypatch: pytest.MonkeyPatch
) -> None:
    # the survey is too small for an answer of the real limit
    monkeypatch.setattr("services.sampler.questions.next_questions.ANSWER_BYTES", 120_000)
    sampler = Sampler(store, LongScorer(long_animals(24)))
    sampler.create(survey_id, known_individuals=KNOWN_INDIVIDUALS_IGNORED)
    batch = sampler.asked(survey_id, count=100, kinds=frozenset(kinds))
    answer = wire.next_pairs_response(batch)
    asked = len(answer.pairs) + len(answer.groups)
    assert 1 <= asked < 12
    assert answer.ByteSize() < 120_000 or asked == 1
    pairs = {frozenset(pair) for q in batch.questions for pair in zip(*[iter(q.detection_ids)] * 2)}  # noqa: B905
    live = sampler.asking._leases.live(survey_id, "main")
    if kinds == {Kind.PAIR}:
        assert {frozenset(lease.pair) for lease in live} == pairs
    assert len(live) == sum(len(q.question.pairs) for q in batch.questions)


def test_questions_of_the_largest_kinds_fit_into_an_answer() -> None:
    largest = sum(messages.detection_message(detection(n)).ByteSize() + 4 for n in range(100))
    assert largest < ANSWER_BYTES < MAX_MESSAGE_BYTES


def label(number: int) -> sampler_pb2.Label:
    return sampler_pb2.Label(
        label_id=f"100000-{number}", first_detection_id=longest(number), second_detection_id=longest(10**5),
        answer=sampler_pb2.ANSWER_SAME, annotator_id="a" * 64, create_time=messages.timestamp(1.5),
        note="\u4e00" * LONGEST_NOTE,
    )  # fmt: skip


def test_outcomes_fit_also_if_all_labels_are_conflicts() -> None:
    labels = {one.label_id: one for one in map(label, range(1000))}
    with pytest.raises(InvalidInputError, match="in one call"):
        wire.labels_to_store(sampler_pb2.SubmitLabelsRequest(labels=labels.values()))
    given = wire.labels_to_store(sampler_pb2.SubmitLabelsRequest(labels=[*labels.values()][:300]))
    explanation = Explanation(tuple(labels))
    naming = label_outcomes.Naming(labels, [])
    outcomes = label_outcomes.shorten(
        [
            label_outcomes.outcome_message(
                one.label_id, LabelOutcome(LabelEffect.CONFLICT, explanation=explanation), naming
            )
            for one in given.labels
        ]
    )
    assert sampler_pb2.SubmitLabelsResponse(outcomes=outcomes).ByteSize() < MAX_MESSAGE_BYTES
    assert outcomes[0].conflict.explanation
    assert outcomes[-1].conflict.message == "see the session's conflicts"


def test_conflicts_fit_and_say_how_many_labels_were_left_out() -> None:
    labels = {one.label_id: one for one in map(label, range(1000))}
    naming = label_outcomes.Naming(labels, [])
    conflict = label_outcomes.conflict("100000-1", Explanation(tuple(labels)), naming)
    shown = len(conflict.explanation)
    assert f"and {1000 - shown} more" in conflict.message
    for page in pages([conflict] * 100, lambda one: one):
        assert sampler_pb2.ListConflictsResponse(conflicts=page).ByteSize() < MAX_MESSAGE_BYTES


def test_progress_fits_with_any_number_of_annotators() -> None:
    state = SessionState()
    for number in range(50_000):
        state.counts.times_of[f"{number:064}"] = [0.0, 60.0]
    state.counts.times_of["busy"] = [0.0, 1.0, 2.0]
    found = progress.full_progress(state, 1)
    assert len(found.annotators) == progress.MOST_ANNOTATORS
    assert found.annotators[-1].annotator_id == "busy"
    assert sampler_pb2.GetProgressResponse(progress=found).ByteSize() < MAX_MESSAGE_BYTES


def large_individual() -> SessionState:
    """A session of 15,000 detections, all but one of which are one animal."""
    state = SessionState()
    state.roster = roster(*map(longest, range(15_000)))
    state.constraints.add_items(15_000)
    for item in range(1, 14_999):
        state.constraints.apply(LabelledPair("", 0, item, Answer.SAME))
    state.identity.touch(range(15_000))
    state.identity.settle(b"", 1, state.constraints)
    return state


def test_individuals_fit_and_a_large_one_comes_in_parts() -> None:
    state = large_individual()
    listed = state.named_individuals.messages()
    for page in pages(listed, lambda one: one):
        assert individuals_pb2.ListIndividualsResponse(individuals=page).ByteSize() < MAX_MESSAGE_BYTES
    assert [i for one in listed for i in one.detection_ids] == state.detection_ids
    assert [one.detection_count for one in listed if one.detection_count] == [14_999, 1]
    with pytest.raises(PreconditionError, match="too many for one message"):
        get_individual(state, f"ind-{longest(0)}")


def test_watched_individuals_fit_and_come_in_parts() -> None:
    state = large_individual()
    parts = changes_since(state, "")
    assert max(part.ByteSize() for part in parts) < MAX_MESSAGE_BYTES
    assert [bool(part.cursor) for part in parts] == [False] * (len(parts) - 1) + [True]
    watched = [i for part in parts for one in part.individuals for i in one.detection_ids]
    assert watched == state.detection_ids


def test_the_result_of_a_change_fits_without_the_detections_of_a_large_individual() -> None:
    state = large_individual()
    change = individuals_pb2.IndividualsChanged(
        split=individuals_pb2.IndividualSplit(
            individual_id=f"ind-{longest(0)}", detection_ids=[longest(14_999)]
        )
    )
    event = sampler_pb2.SessionEvent(changed=change)
    assert not state.identity.change(2, event, state.roster)
    result = change_result(state, 2)
    assert result.ByteSize() < MAX_MESSAGE_BYTES
    assert [(one.detection_count, len(one.detection_ids)) for one in result.individuals] == [
        (14_999, 0),
        (1, 0),
    ]


def test_events_fit_and_a_large_one_comes_in_parts(store: Store, survey_id: str) -> None:
    sampler = Sampler(store, ToyScorer(long_animals(4)))
    sampler.create(survey_id)
    sessions: Sessions = sampler.sessions
    journal = sessions.folded(survey_id, "main").journal
    large = [sampler_pb2.PlannedRound(round=1, terms=b"x" * size) for size in (3 << 19, 3 << 19, 5 << 20)]
    for planned in large:
        push(store, journal.key, sessions.event(planned=planned))
    pages, start = 0, cast("int | None", 0)
    while start is not None:
        page = sessions.events_page(survey_id, "main", start, 1000)
        assert sampler_pb2.ListEventsResponse(events=page.events).ByteSize() < MAX_MESSAGE_BYTES
        pages, start = pages + 1, page.next_start
    assert pages > len(large)
    assert [event.planned for event in sessions.events(survey_id, "main")[1:]] == large
