from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.scorer import correction_requests
from services.scorer.corrections import update_detections
from services.scorer.surveys import Surveys
from spotted import messages
from spotted.arrays import Float32Array
from spotted.errors import DigestMismatchError, InvalidInputError, NotFoundError, PreconditionError
from spotted.survey import Detection, ImageBox, Side
from spotted.v1 import corrections_pb2 as pb
from spotted.v1 import scorer_pb2, survey_pb2
from tests.services.scorer.planted import DIMENSION, END_S, SPEC, START_S, Scorer, ask, detections, vectors


def unit(rows: Float32Array) -> Float32Array:
    norms = np.linalg.norm(rows.astype(np.float64), axis=1, keepdims=True)
    return np.asarray(rows / norms, np.float32)


SCORED = ("captured_at", "camera_id", "side")
LABELS = ("encounter_id", "individual_id", "image_uri", "species")


def correct(
    scorer: Scorer,
    survey_id: str,
    corrected: Sequence[Detection],
    paths: Sequence[str] = (),
    embeddings: Float32Array | None = None,
    **fields: object,
) -> pb.UpdateDetectionsResponse:
    return ask(scorer.stub.UpdateDetections, request(survey_id, corrected, paths, embeddings, **fields))


def request(
    survey_id: str,
    corrected: Sequence[Detection],
    paths: Sequence[str] = (),
    embeddings: Float32Array | None = None,
    **fields: object,
) -> pb.UpdateDetectionsRequest:
    made = pb.UpdateDetectionsRequest(
        survey_id=survey_id,
        detections=[messages.detection_message(d) for d in corrected],
        embeddings=None if embeddings is None else messages.tensor(embeddings),
        spec=None if embeddings is None else SPEC,
        **fields,  # type: ignore[arg-type] # fields by name
    )
    made.update_mask.paths.extend(paths)
    return made


def stored(scorer: Scorer, survey_id: str) -> tuple[list[Detection], Float32Array]:
    page = scorer.stub.ListDetections(
        scorer_pb2.ListDetectionsRequest(survey_id=survey_id, include_embeddings=True)
    )
    return [messages.detection(d) for d in page.detections], messages.vector(page.embeddings)


def test_the_named_fields_change_in_place_and_nothing_else(scorer: Scorer, survey_id: str) -> None:
    added, embeddings = scorer.plant(survey_id, 6)
    target = replace(added[2], side=Side.LEFT, individual_id="old", encounter_id="kept")
    correct(scorer, survey_id, [target], ["side", "individual_id", "encounter_id"])
    asked = replace(target, camera_id="CAM01", captured_at_s=START_S + 9.0, individual_id="new")
    answer = correct(scorer, survey_id, [asked], ["camera_id", "captured_at", "individual_id"])
    (result,) = answer.results
    expected = {
        path
        for path, attribute in {"camera_id": "camera_id", "captured_at": "captured_at_s"}.items()
        if getattr(target, attribute) != getattr(asked, attribute)
    } | {"individual_id"}
    assert (result.detection_id, set(result.changed_fields)) == (target.detection_id, expected)
    rows, read = stored(scorer, survey_id)
    assert rows == [*added[:2], asked, *added[3:]]
    np.testing.assert_array_equal(read, unit(embeddings).astype(np.float16))


def test_a_field_that_is_not_set_becomes_unknown(scorer: Scorer, survey_id: str) -> None:
    added, _ = scorer.plant(survey_id, 3)
    known = replace(
        added[1], camera_id="CAM01", captured_at_s=START_S, side=Side.LEFT, encounter_id="e",
        individual_id="i", image_uri="file:///a.jpg", species="Panthera pardus",
    )  # fmt: skip
    paths = [*SCORED, *LABELS]
    correct(scorer, survey_id, [known], paths)
    answer = correct(scorer, survey_id, [Detection(known.detection_id)], paths)
    assert list(answer.results[0].changed_fields) == paths
    rows, _ = stored(scorer, survey_id)
    assert rows[1] == Detection(known.detection_id, image_id=added[1].image_id, box=added[1].box)


def test_what_is_already_so_is_not_a_change(scorer: Scorer, survey_id: str) -> None:
    added, embeddings = scorer.plant(survey_id, 3)
    before = scorer.stub.GetSurvey(scorer_pb2.GetSurveyRequest(survey_id=survey_id)).survey
    answer = correct(scorer, survey_id, added, [*SCORED, *LABELS, "image_id"], embeddings)
    assert (answer.updated, answer.survey) == (0, before)
    assert all(not one.changed_fields and not one.HasField("error") for one in answer.results)


def test_each_correction_is_carried_out_or_refused_on_its_own(scorer: Scorer, survey_id: str) -> None:
    added, _ = scorer.plant(survey_id, 5)
    late = replace(added[1], camera_id="CAM01", captured_at_s=END_S + 60.0)
    asked = [
        replace(added[0], camera_id="CAM01", captured_at_s=START_S + 1.0),
        late,
        replace(added[2], camera_id="nosuch"),
        Detection("ghost"),
        replace(added[3], camera_id="bad\n"),
    ]
    answer = correct(scorer, survey_id, asked, ["camera_id", "captured_at"])
    assert [one.error.reason for one in answer.results] == [
        "", "OUTSIDE_PERIOD", "NOT_FOUND", "NOT_FOUND", "INVALID_INPUT",
    ]  # fmt: skip
    texts = [one.error.message for one in answer.results]
    assert "after camera 'CAM01' ended" in texts[1]
    assert "'nosuch'" in texts[2]
    assert f"`spotted embed {survey_id}`" in texts[3]
    assert answer.updated == 1
    assert stored(scorer, survey_id)[0] == [asked[0], *added[1:]]


def test_another_image_needs_a_new_vector_and_the_answer_says_so(scorer: Scorer, survey_id: str) -> None:
    added, embeddings = scorer.plant(survey_id, 3)
    moved = replace(added[0], image_id="another")
    (refused,) = correct(scorer, survey_id, [moved], ["image_id"]).results
    assert refused.error.reason == PreconditionError.reason
    assert "embed the new image and send its vector" in refused.error.message
    assert stored(scorer, survey_id)[0] == added
    answer = correct(scorer, survey_id, [moved], ["image_id"], -embeddings[:1])
    assert list(answer.results[0].changed_fields) == ["image_id", "embedding"]
    rows, read = stored(scorer, survey_id)
    assert rows == [moved, *added[1:]]
    np.testing.assert_array_equal(read[0], -unit(embeddings[:1]).astype(np.float16)[0])


def test_a_changed_box_is_a_new_vector_of_the_same_detection(scorer: Scorer, survey_id: str) -> None:
    added, embeddings = scorer.plant(survey_id, 4)
    answer = correct(scorer, survey_id, added[1:3], (), np.stack([embeddings[1], -embeddings[2]]))
    assert [list(one.changed_fields) for one in answer.results] == [[], ["embedding"]]
    expected = unit(embeddings * np.array([1, 1, -1, 1])[:, None]).astype(np.float16)
    np.testing.assert_array_equal(stored(scorer, survey_id)[1], expected)


def test_a_vector_that_cannot_be_used_is_refused(scorer: Scorer, survey_id: str) -> None:
    added, embeddings = scorer.plant(survey_id, 3)
    broken = np.stack([embeddings[0] * np.nan, -embeddings[1]])
    answer = correct(scorer, survey_id, added[:2], (), broken)
    assert [one.error.reason for one in answer.results] == ["INVALID_INPUT", ""]
    other = request(survey_id, added[:1], (), embeddings[:1])
    other.spec.backbone_digest = "e" * 64
    with pytest.raises(DigestMismatchError, match="embed the whole survey with one backbone"):
        ask(scorer.stub.UpdateDetections, other)


def test_a_call_is_one_event_and_a_repeat_returns_the_first_answer(
    scorer: Scorer, surveys: Surveys, survey_id: str
) -> None:
    added, embeddings = scorer.plant(survey_id, 8)
    journal = surveys.folded(survey_id).journal
    before = journal.length()
    asked = [replace(d, individual_id="leopard-9") for d in added]
    block = correction_requests.corrections(request(survey_id, asked, ["individual_id"], -embeddings))
    first = update_detections(surveys, block, "one")
    assert (first.updated, journal.length()) == (8, before + 1)
    correct(scorer, survey_id, [replace(added[0], individual_id="")], ["individual_id"])
    assert update_detections(surveys, block, "one") == first
    assert stored(scorer, survey_id)[0] == [replace(added[0], individual_id=""), *asked[1:]]


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    seed=st.integers(0, 1000),
    steps=st.lists(st.tuples(st.sets(st.integers(0, 19), min_size=1, max_size=8), st.booleans()), max_size=4),
)
def test_a_corrected_survey_scores_as_one_that_was_right_from_the_start(
    scorer: Scorer, survey_id: str, seed: int, steps: list[tuple[set[int], bool]]
) -> None:
    lived, fresh = (f"{survey_id}-{seed}-{len(steps)}-{name}" for name in ("lived", "fresh"))
    for name in (lived, fresh):
        scorer.stub.DeleteSurvey.future(scorer_pb2.DeleteSurveyRequest(survey_id=name)).exception()
    added, embeddings = scorer.plant(lived, 20, seed)
    other, other_looks = detections(20, seed + 1), vectors(20, seed + 2)
    for number, (rows, looks) in enumerate(steps):
        # the lists are read between corrections, so that they follow from every state
        scorer.candidates(lived, top_k=4)
        asked = {
            row: replace(other[(row + number) % 20], detection_id=added[row].detection_id) for row in rows
        }
        paths = [*SCORED, *LABELS, *(["image_id", "box"] if looks else [])]
        new = other_looks[list(asked)] if looks else None
        answer = correct(scorer, lived, list(asked.values()), paths, new)
        for (row, detection), result in zip(asked.items(), answer.results, strict=True):
            # a correction may lie outside the period of its camera
            if not result.HasField("error"):
                before = added[row]
                shown = detection if looks else before
                added[row] = replace(detection, image_id=shown.image_id, box=shown.box)
                embeddings[row] = other_looks[row] if looks else embeddings[row]
    scorer.create(fresh)
    scorer.add(fresh, added, embeddings)
    assert stored(scorer, lived)[0] == stored(scorer, fresh)[0]
    for fusion in (survey_pb2.FUSION_PRODUCT, survey_pb2.FUSION_VISUAL):
        ours, theirs = (scorer.candidates(name, top_k=4, fusion=fusion) for name in (lived, fresh))
        assert ours == theirs


def test_requests_that_cannot_be_meant_are_refused(scorer: Scorer, survey_id: str) -> None:
    added, embeddings = scorer.plant(survey_id, 3)
    for paths, words in (
        (["detection_id"], "names .'detection_id'.; name some of captured_at"),
        ([], "names no field"),
    ):
        with pytest.raises(InvalidInputError, match=words):
            correct(scorer, survey_id, added[:1], paths)
    with pytest.raises(InvalidInputError, match="twice"):
        correct(scorer, survey_id, [added[0], added[0]], ["side"])
    with pytest.raises(InvalidInputError, match="detections is 0; use 1 to 1000"):
        correct(scorer, survey_id, [], ["side"])
    with pytest.raises(InvalidInputError, match=rf"need \(2, {DIMENSION}\)"):
        correct(scorer, survey_id, added[:2], [], embeddings[:1])
    with pytest.raises(NotFoundError, match="another"):
        correct(scorer, f"{survey_id}-another", added[:1], ["side"])


def changes(scorer: Scorer, survey_id: str, since: int = 0, size: int = 0) -> list[tuple[str, bool, int]]:
    found: list[tuple[str, bool, int]] = []
    asked = pb.ListDetectionChangesRequest(survey_id=survey_id, since_revision=since, page_size=size)
    while True:
        page = ask(scorer.stub.ListDetectionChanges, asked)
        found += [(one.detection_id, one.stored, one.version) for one in page.changes]
        asked.page_token = page.next_page_token
        if not asked.page_token:
            survey = scorer.stub.GetSurvey(scorer_pb2.GetSurveyRequest(survey_id=survey_id)).survey
            assert (page.revision, page.uid) == (survey.revision, survey.uid)
            return found


def test_changes_since_a_revision_are_listed_last_first(scorer: Scorer, survey_id: str) -> None:
    added, embeddings = scorer.plant(survey_id, 6)
    ids = [d.detection_id for d in added]
    assert changes(scorer, survey_id) == []
    first = correct(scorer, survey_id, [replace(added[1], individual_id="new")], ["individual_id"])
    scorer.stub.DeleteDetections(
        scorer_pb2.DeleteDetectionsRequest(survey_id=survey_id, detection_ids=[ids[3], ids[4]])
    )
    correct(scorer, survey_id, added[:1], (), -embeddings[:1])
    scorer.add(survey_id, added[3:4], -embeddings[3:4])
    expected = [(ids[3], True, 1), (ids[0], True, 1), (ids[4], False, 0), (ids[1], True, 0)]
    assert changes(scorer, survey_id) == changes(scorer, survey_id, size=1) == expected
    assert changes(scorer, survey_id, first.survey.revision) == expected[:3]
    page = scorer.stub.ListDetections(scorer_pb2.ListDetectionsRequest(survey_id=survey_id))
    assert {(one.detection_id, one.version) for one in page.changed} == {(ids[0], 1), (ids[3], 1)}
    with pytest.raises(NotFoundError):
        changes(scorer, f"{survey_id}-another")


def test_another_box_needs_a_new_vector(scorer: Scorer, survey_id: str) -> None:
    added, embeddings = scorer.plant(survey_id, 3)
    tighter = replace(added[0], box=ImageBox(0.25, 0.25, 0.5, 0.5))
    (refused,) = correct(scorer, survey_id, [tighter], ["box"]).results
    assert refused.error.reason == PreconditionError.reason
    answer = correct(scorer, survey_id, [tighter], ["box"], -embeddings[:1])
    assert list(answer.results[0].changed_fields) == ["box", "embedding"]
    assert stored(scorer, survey_id)[0] == [tighter, *added[1:]]
