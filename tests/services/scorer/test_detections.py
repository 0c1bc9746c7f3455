from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.common.process import now
from services.common.store.store import Store
from services.common.survey.heads import HeadStore
from services.scorer import requests
from services.scorer.__main__ import service
from services.scorer.detections import MOST_REJECTED, AddResult, add_block
from services.scorer.surveys import Surveys
from spotted import messages
from spotted.arrays import Float32Array
from spotted.client.calls import our_errors
from spotted.errors import DigestMismatchError, InvalidInputError, NotFoundError
from spotted.survey import Detection
from spotted.v1 import scorer_pb2 as pb
from spotted.v1 import survey_pb2
from tests.services.scorer.planted import (
    DIMENSION,
    END_S,
    SPEC,
    START_S,
    Scorer,
    add_request,
    ask,
    detections,
    vectors,
)
from tests.services.serving import running
from tests.services.store_requests import round_trips
from tests.waiting import PATIENCE_S, until

OTHER_SPEC = survey_pb2.EmbeddingSpec(
    backbone_digest="e" * 64, preprocessing_digest="c" * 64, dimension=DIMENSION
)


def reasons(answer: pb.AddDetectionsResponse) -> dict[str, tuple[str, str]]:
    return {r.detection_id: (r.error.reason, r.error.message) for r in answer.rejected}


def listed(scorer: Scorer, survey_id: str) -> pb.ListDetectionsResponse:
    return scorer.stub.ListDetections(pb.ListDetectionsRequest(survey_id=survey_id, include_embeddings=True))


def one(**fields: object) -> Detection:
    return replace(Detection("alone", "CAM01", START_S + 60.0), **fields)  # type: ignore[arg-type] # fields by name


def refused(scorer: Scorer, survey_id: str, detection: Detection, vector: Sequence[float] = (1.0,)) -> str:
    """The message that refuses a detection, which must leave its neighbour stored and itself not."""
    scorer.create(survey_id)
    rows = np.zeros((2, DIMENSION), np.float32)
    rows[0, : len(vector)] = vector
    rows[1, 0] = 1.0
    answer = scorer.add(survey_id, [detection, one(detection_id="neighbour")], rows)
    assert answer.added == answer.survey.detection_count == 1
    ((detection_id, (reason, message)),) = reasons(answer).items()
    assert detection_id == detection.detection_id
    return f"{reason}: {message}"


def test_detections_come_back_in_order_with_unit_float16_vectors(scorer: Scorer, survey_id: str) -> None:
    added, embeddings = scorer.plant(survey_id, 250)
    page = listed(scorer, survey_id)
    assert [messages.detection(d) for d in page.detections] == added
    norms = np.sqrt((embeddings.astype(np.float64) ** 2).sum(axis=1, keepdims=True))
    expected = (embeddings / norms).astype(np.float32).astype(np.float16)
    np.testing.assert_array_equal(messages.array(page.embeddings), expected)


def test_the_first_detections_say_how_vectors_are_made(scorer: Scorer, survey_id: str) -> None:
    assert not scorer.create(survey_id).HasField("embedding")
    answer = scorer.add(survey_id, detections(3), vectors(3))
    assert answer.survey.embedding == SPEC
    # creation, cameras and one event for the detections with their spec
    assert answer.survey.revision == 3


def test_the_first_block_is_one_journal_entry_and_one_round_trip(
    scorer: Scorer, store: Store, surveys: Surveys, survey_id: str
) -> None:
    scorer.create(survey_id)
    journal = surveys.folded(survey_id).journal
    before = len(surveys.snapshot(survey_id).detections), journal.length()
    block = requests.block(add_request(survey_id, detections(5), vectors(5)), "")
    with round_trips(store, 1):
        add_block(surveys, block, AddResult())
    after = surveys.snapshot(survey_id)
    assert (len(after.detections), journal.length()) == (before[0] + 5, before[1] + 1)
    assert after.survey.embedding == SPEC


def test_each_vector_is_normalised_once(
    scorer: Scorer, surveys: Surveys, survey_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    scorer.create(survey_id)
    norm, normalised = np.linalg.norm, []

    def counted(vectors: Float32Array, *args: object, **options: object) -> object:
        normalised.append(vectors.shape)
        return norm(vectors, *args, **options)  # type: ignore[call-overload] # as it was called

    monkeypatch.setattr(np.linalg, "norm", counted)
    embeddings = vectors(40)
    embeddings[7], embeddings[9, 2] = 0.0, np.nan
    block = requests.block(add_request(survey_id, detections(40), embeddings), "")
    add_block(surveys, block, result := AddResult())
    assert (result.added, len(result.rejected)) == (38, 2)
    assert normalised == [(40, DIMENSION)]


def test_first_blocks_of_unequal_spec_at_once_leave_exactly_one(
    scorer: Scorer, store: Store, survey_id: str
) -> None:
    scorer.create(survey_id)
    specs = [
        survey_pb2.EmbeddingSpec(backbone_digest=d * 64, preprocessing_digest="c" * 64, dimension=DIMENSION)
        for d in "abcdef"
    ]
    start = threading.Barrier(len(specs))

    def add_first(spec: survey_pb2.EmbeddingSpec) -> survey_pb2.EmbeddingSpec | None:
        # each writer is a process of its own as far as the store is concerned
        own = Surveys(store, HeadStore(store), now=now)
        own.snapshot(survey_id)
        added = [one(detection_id=spec.backbone_digest[:1])]
        block = requests.block(add_request(survey_id, added, vectors(1), spec), "")
        start.wait(20)
        try:
            add_block(own, block, AddResult())
        except DigestMismatchError:
            return None
        return spec

    with ThreadPoolExecutor(len(specs)) as threads:
        (winner,) = filter(None, threads.map(add_first, specs))
    page = listed(scorer, survey_id)
    assert [d.detection_id for d in page.detections] == [winner.backbone_digest[:1]]
    survey = scorer.stub.GetSurvey(pb.GetSurveyRequest(survey_id=survey_id)).survey
    assert (survey.embedding, survey.revision) == (winner, 3)


def test_detections_that_were_all_rejected_do_not_fix_the_spec(scorer: Scorer, survey_id: str) -> None:
    scorer.create(survey_id)
    request = add_request(survey_id, [one(camera_id="CAM99")], vectors(1), OTHER_SPEC)
    assert not scorer.stub.AddDetections(iter([request])).survey.HasField("embedding")
    assert scorer.add(survey_id, [one()], vectors(1)).survey.embedding == SPEC


def test_sending_again_stores_nothing_twice(scorer: Scorer, survey_id: str) -> None:
    added, embeddings = scorer.plant(survey_id, 40)
    before = listed(scorer, survey_id)
    answer = scorer.add(survey_id, added, embeddings, chunk=7)
    assert (answer.added, answer.unchanged, len(answer.rejected)) == (0, 40, 0)
    assert listed(scorer, survey_id) == before


def test_other_content_under_a_known_id_is_refused_and_changes_nothing(
    scorer: Scorer, survey_id: str
) -> None:
    added, embeddings = scorer.plant(survey_id, 4)
    before = listed(scorer, survey_id)
    moved = replace(added[0], image_uri="file:///elsewhere.jpg")
    turned = -embeddings[1:2]
    answer = scorer.add(survey_id, [moved, added[1]], np.concatenate([embeddings[:1], turned]))
    assert answer.added == answer.unchanged == 0
    assert {reason for reason, _ in reasons(answer).values()} == {"ALREADY_EXISTS"}
    assert "stored with other content; correct the stored one" in reasons(answer)[moved.detection_id][1]
    assert listed(scorer, survey_id) == before


def test_an_id_twice_in_one_message_is_stored_once(scorer: Scorer, survey_id: str) -> None:
    scorer.create(survey_id)
    twice = [one(), one(image_uri="file:///other.jpg")]
    answer = scorer.add(survey_id, twice, vectors(2))
    assert (answer.added, reasons(answer)["alone"][0]) == (1, "INVALID_INPUT")
    assert "occurs twice in one message" in reasons(answer)["alone"][1]
    assert [messages.detection(d) for d in listed(scorer, survey_id).detections] == twice[:1]


@pytest.mark.parametrize("vector", [[np.nan], [np.inf, 1.0], [-np.inf], [0.0]])
def test_an_invalid_vector_is_refused_by_its_detection(
    scorer: Scorer, survey_id: str, vector: list[float]
) -> None:
    message = refused(scorer, survey_id, one(), vector)
    assert message.startswith("INVALID_INPUT: the embedding of 'alone'")
    assert "embed the image again" in message


def test_a_detection_of_an_unknown_camera_is_refused(scorer: Scorer, survey_id: str) -> None:
    message = refused(scorer, survey_id, one(camera_id="CAM99"))
    assert message.startswith("NOT_FOUND: detection 'alone' names camera 'CAM99'")
    assert "add the camera first" in message


def test_a_detection_before_its_camera_began_is_refused(scorer: Scorer, survey_id: str) -> None:
    assert refused(scorer, survey_id, one(captured_at_s=START_S - 1.0)) == (
        "OUTSIDE_PERIOD: detection 'alone' was captured 2023-11-14T22:13:19Z, before camera 'CAM01' began at "
        "2023-11-14T22:13:20Z; correct the time, or widen the period"
    )


def test_a_detection_after_its_camera_ended_is_refused(scorer: Scorer, survey_id: str) -> None:
    assert "after camera 'CAM01' ended" in refused(scorer, survey_id, one(captured_at_s=END_S + 1.0))


@pytest.mark.parametrize(
    ("captured_at_s", "words"), [(START_S - 1.0, "before survey"), (END_S + 1.0, "after survey")]
)
def test_a_detection_outside_the_period_of_its_survey_is_refused(
    scorer: Scorer, survey_id: str, captured_at_s: float, words: str
) -> None:
    message = refused(scorer, survey_id, one(camera_id="", captured_at_s=captured_at_s))
    assert message.startswith("OUTSIDE_PERIOD: detection 'alone' was captured")
    assert f"{words} {survey_id!r}" in message


def test_the_ends_of_a_period_and_open_ends_are_inside(scorer: Scorer, survey_id: str) -> None:
    scorer.create(survey_id)
    inside = [
        one(detection_id="begin", captured_at_s=START_S),
        one(detection_id="end", captured_at_s=END_S),
        one(detection_id="open", camera_id="CAM03", captured_at_s=END_S + 1e6),
        one(detection_id="timeless", captured_at_s=None),
        one(detection_id="placeless", camera_id="", captured_at_s=END_S),
    ]
    assert scorer.add(survey_id, inside, vectors(5)).added == 5


def test_an_id_that_cannot_be_one_is_refused(scorer: Scorer, survey_id: str) -> None:
    assert "printable" in refused(scorer, survey_id, one(detection_id="a\nb"))


def test_an_instant_beyond_the_calendar_is_refused_but_not_its_neighbour(
    scorer: Scorer, survey_id: str
) -> None:
    scorer.create(survey_id)
    request = add_request(survey_id, [one(), one(detection_id="neighbour")], vectors(2))
    request.detections[0].captured_at.seconds = 10**15
    answer = scorer.stub.AddDetections(iter([request]))
    assert answer.added == 1
    assert reasons(answer)["alone"][0] == "INVALID_INPUT"
    assert "captured_at" in reasons(answer)["alone"][1]


def test_vectors_made_otherwise_are_refused_and_both_are_named(scorer: Scorer, survey_id: str) -> None:
    scorer.plant(survey_id, 3)
    request = add_request(survey_id, [one()], vectors(1), OTHER_SPEC)
    with pytest.raises(DigestMismatchError, match=r"bbbbbbbbbbbb.*these are of eeeeeeeeeeee"):
        ask(scorer.stub.AddDetections, iter([request]))
    assert len(listed(scorer, survey_id).detections) == 3


def test_vectors_of_another_length_are_refused(scorer: Scorer, survey_id: str) -> None:
    scorer.plant(survey_id, 3)
    shorter = survey_pb2.EmbeddingSpec(
        backbone_digest=SPEC.backbone_digest, preprocessing_digest=SPEC.preprocessing_digest, dimension=4
    )
    request = add_request(survey_id, [one()], vectors(1)[:, :4], shorter)
    with pytest.raises(DigestMismatchError, match=r"8 elements; these are of .* 4"):
        ask(scorer.stub.AddDetections, iter([request]))


def test_a_tensor_that_does_not_fit_its_detections_is_refused(scorer: Scorer, survey_id: str) -> None:
    scorer.create(survey_id)
    with pytest.raises(InvalidInputError, match=r"\(2, 8\).*need \(1, 8\)"):
        ask(scorer.stub.AddDetections, iter([add_request(survey_id, [one()], vectors(2))]))


def test_vectors_that_were_all_refused_do_not_bind_the_survey(scorer: Scorer, survey_id: str) -> None:
    scorer.create(survey_id)
    nothing = np.zeros((1, DIMENSION), np.float32)
    answer = scorer.stub.AddDetections(iter([add_request(survey_id, [one()], nothing, OTHER_SPEC)]))
    assert not answer.survey.HasField("embedding")
    assert scorer.add(survey_id, [one()], vectors(1)).added == 1


def test_more_refusals_than_an_answer_holds_end_the_stream_and_what_was_sound_stays(
    scorer: Scorer, survey_id: str
) -> None:
    scorer.create(survey_id)
    refused = [one(detection_id=f"bad-{n}", camera_id="nosuch") for n in range(MOST_REJECTED)]
    sound = one(detection_id="good")
    answer = scorer.add(survey_id, [sound, *refused], vectors(len(refused) + 1), chunk=1000)
    assert (answer.added, len(answer.rejected)) == (1, MOST_REJECTED)
    more = [*refused, one(detection_id="worse", camera_id="nosuch")]
    with pytest.raises(InvalidInputError, match=r"4001 detections were rejected.*'nosuch'"), our_errors(""):
        scorer.add(survey_id, more, vectors(len(more)), chunk=1000)
    assert [d.detection_id for d in listed(scorer, survey_id).detections] == ["good"]


def test_an_unknown_survey_is_named(scorer: Scorer, survey_id: str) -> None:
    with pytest.raises(NotFoundError, match=survey_id):
        ask(scorer.stub.AddDetections, iter([add_request(survey_id, [one()], vectors(1))]))


def test_a_stream_that_changes_its_survey_is_refused(scorer: Scorer, survey_id: str) -> None:
    scorer.create(survey_id)
    stream = iter([add_request(i, [one()], vectors(1)) for i in (survey_id, f"{survey_id}-2")])
    with pytest.raises(InvalidInputError, match="one stream for each survey"):
        ask(scorer.stub.AddDetections, stream)


def test_a_stream_without_a_message_is_refused(scorer: Scorer) -> None:
    with pytest.raises(InvalidInputError, match="no message"):
        ask(scorer.stub.AddDetections, iter(()))


def test_a_broken_stream_keeps_its_complete_messages(scorer: Scorer, store: Store, survey_id: str) -> None:
    added, embeddings = detections(6), vectors(6)
    scorer.create(survey_id)
    stored = threading.Event()

    def stream() -> Iterator[pb.AddDetectionsRequest]:
        yield add_request(survey_id, added[:3], embeddings[:3])
        assert stored.wait(PATIENCE_S)
        yield add_request(survey_id, added[3:], embeddings[3:5])

    call = scorer.stub.AddDetections.future(stream())
    with running(service(store)) as address:
        watcher = Scorer(address)
        until(
            lambda: len(listed(watcher, survey_id).detections) >= 3,
            "the first message is stored before the second comes",
        )
        watcher.channel.close()
    stored.set()
    with pytest.raises(InvalidInputError), our_errors("scorer"):
        call.result()
    answer = scorer.add(survey_id, added, embeddings)
    assert (answer.added, answer.unchanged) == (3, 3)


def test_writers_at_once_store_each_detection_once(scorer: Scorer, store: Store, survey_id: str) -> None:
    added, embeddings = detections(60), vectors(60)
    scorer.create(survey_id)
    answers: list[pb.AddDetectionsResponse] = []
    with running(service(store)) as address:
        other = Scorer(address)

        def write(writer: Scorer, rows: list[int]) -> None:
            answers.append(writer.add(survey_id, [added[r] for r in rows], embeddings[rows], chunk=5))

        orders = [list(range(60)), list(range(59, -1, -1))]
        threads = [threading.Thread(target=write, args=w) for w in zip((scorer, other), orders, strict=True)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        other.channel.close()
    assert sum(a.added for a in answers) == 60 == sum(a.unchanged for a in answers)
    assert sorted(d.detection_id for d in listed(scorer, survey_id).detections) == sorted(
        d.detection_id for d in added
    )


def by_id(scorer: Scorer, survey_id: str) -> dict[str, pb.CandidateList]:
    return {one.detection_id: one for one in scorer.candidates(survey_id, top_k=10)}


@settings(max_examples=6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 2**16), chunk=st.integers(1, 30))
def test_order_and_chunks_do_not_change_the_candidates(
    scorer: Scorer, survey_id: str, seed: int, chunk: int
) -> None:
    added, embeddings = detections(30, seed), vectors(30, seed)
    order = np.random.default_rng(seed).permutation(30)
    first, second = f"{survey_id}-{seed}-{chunk}", f"{survey_id}-{seed}-{chunk}-shuffled"
    for name, rows, size in ((first, np.arange(30), 30), (second, order, chunk)):
        scorer.create(name)
        scorer.add(name, [added[r] for r in rows], embeddings[rows], chunk=size)
    assert by_id(scorer, first) == by_id(scorer, second)


@settings(max_examples=6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    seed=st.integers(0, 2**16),
    steps=st.lists(st.tuples(st.booleans(), st.sets(st.integers(0, 11), min_size=1)), min_size=1, max_size=8),
)
def test_any_history_ends_as_a_fresh_survey_of_what_is_left(
    scorer: Scorer, survey_id: str, seed: int, steps: list[tuple[bool, set[int]]]
) -> None:
    added, embeddings = detections(12, seed), vectors(12, seed)
    lived, fresh = (f"{survey_id}-{seed}-{len(steps)}-{end}" for end in ("lived", "fresh"))
    for name in (lived, fresh):
        scorer.stub.DeleteSurvey.future(pb.DeleteSurveyRequest(survey_id=name)).exception()
        scorer.create(name)
    held: dict[int, None] = {}
    for adding, rows in steps:
        if adding:
            change(scorer, lived, added, embeddings, [r for r in rows if r not in held])
            held |= dict.fromkeys(r for r in rows if r not in held)
        else:
            ids = [added[r].detection_id for r in rows]
            scorer.stub.DeleteDetections(pb.DeleteDetectionsRequest(survey_id=lived, detection_ids=ids))
            held = {r: None for r in held if r not in rows}
    change(scorer, fresh, added, embeddings, list(held))
    left = [listed(scorer, name) for name in (lived, fresh)]
    assert left[0].detections == left[1].detections
    assert left[0].embeddings.content == left[1].embeddings.content
    assert scorer.candidates(lived) == scorer.candidates(fresh)


def change(
    scorer: Scorer, survey_id: str, added: list[Detection], embeddings: Float32Array, rows: list[int]
) -> None:
    if rows:
        scorer.add(survey_id, [added[r] for r in rows], embeddings[rows])


def delete(scorer: Scorer, survey_id: str, *detection_ids: str) -> pb.DeleteDetectionsResponse:
    request = pb.DeleteDetectionsRequest(survey_id=survey_id, detection_ids=detection_ids)
    return ask(scorer.stub.DeleteDetections, request)


def fused(scorer: Scorer, survey_id: str, first: str, second: str) -> bytes:
    pair = survey_pb2.Pair(first_detection_id=first, second_detection_id=second)
    return scorer.stub.ScorePairs(pb.ScorePairsRequest(survey_id=survey_id, pairs=[pair])).fused.content


def test_what_is_removed_and_what_was_not_there_is_counted(scorer: Scorer, survey_id: str) -> None:
    scorer.plant(survey_id, 10)
    answer = delete(scorer, survey_id, "d0003", "ghost", "d0007")
    assert (answer.deleted, answer.missing, answer.survey.detection_count) == (2, 1, 8)
    again = delete(scorer, survey_id, "d0003", "ghost", "d0007")
    assert (again.deleted, again.missing, again.survey.detection_count) == (0, 3, 8)
    # nothing changed, so scores are of the same revision
    assert again.survey.revision == answer.survey.revision


def test_the_survey_answered_is_the_survey_read(scorer: Scorer, survey_id: str) -> None:
    scorer.plant(survey_id, 4)
    answer = delete(scorer, survey_id, "d0000")
    assert scorer.stub.GetSurvey(pb.GetSurveyRequest(survey_id=survey_id)).survey == answer.survey


def test_no_other_score_changes(scorer: Scorer, survey_id: str) -> None:
    scorer.plant(survey_id, 10)
    before = fused(scorer, survey_id, "d0001", "d0002")
    delete(scorer, survey_id, *(f"d{n:04}" for n in range(3, 10)))
    assert fused(scorer, survey_id, "d0001", "d0002") == before


def test_a_removed_detection_may_come_back_as_another(scorer: Scorer, survey_id: str) -> None:
    added, embeddings = scorer.plant(survey_id, 5)
    delete(scorer, survey_id, added[0].detection_id)
    answer = scorer.add(survey_id, added[:1], -embeddings[:1])
    assert (answer.added, answer.survey.detection_count) == (1, 5)
    listed = scorer.stub.ListDetections(pb.ListDetectionsRequest(survey_id=survey_id)).detections
    assert listed[-1].detection_id == added[0].detection_id


def test_ids_must_be_named_once_and_the_survey_exist(scorer: Scorer, survey_id: str) -> None:
    scorer.plant(survey_id, 2)
    with pytest.raises(InvalidInputError, match="'d0000' twice"):
        delete(scorer, survey_id, "d0000", "d0000")
    with pytest.raises(InvalidInputError, match="detection_ids is 0; use 1 to 10000"):
        delete(scorer, survey_id)
    with pytest.raises(NotFoundError, match="another"):
        delete(scorer, f"{survey_id}-another", "d0000")
