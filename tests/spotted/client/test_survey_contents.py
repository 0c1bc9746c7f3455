from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from spotted.client import Spotted, SurveyHandle
from spotted.client.survey_contents import BLOCK_CORRECTIONS, BLOCK_DETECTIONS
from spotted.client.values import DetectionChange
from spotted.errors import DigestMismatchError, NotFoundError, PreconditionError
from spotted.survey import Camera, Detection, Side
from tests.spotted.client.surveys import CAMERAS, COUNT, DETECTIONS, SPEC, vectors


def test_what_was_stored_comes_back_as_library_values(handle: SurveyHandle) -> None:
    assert {c.camera_id: c for c in handle.cameras()} == CAMERAS
    assert list(handle.detections()) == DETECTIONS
    detections, embeddings = handle.detections_with_embeddings()
    assert detections == DETECTIONS
    unit = vectors() / np.linalg.norm(vectors(), axis=1, keepdims=True)
    np.testing.assert_allclose(embeddings, unit, atol=1e-3)
    (page,) = handle.detection_pages()
    assert (list(page.detections), page.revision) == (DETECTIONS, handle.info().revision)
    np.testing.assert_array_equal(page.embeddings, embeddings)


def test_more_detections_than_a_block_are_stored(handle: SurveyHandle) -> None:
    count = 2 * BLOCK_DETECTIONS + 7
    new = [Detection(f"n{i:03}") for i in range(count)]
    added = handle.add_detections(new, np.random.default_rng(1).normal(size=(count, 8)), SPEC)
    assert (added.added, added.survey.detection_count) == (count, COUNT + count)


def test_adding_again_stores_nothing_twice(handle: SurveyHandle) -> None:
    again = handle.add_detections(DETECTIONS, vectors(), SPEC)
    assert (again.added, again.unchanged, again.rejected) == (0, COUNT, ())


def test_rejected_detections_are_listed_with_the_reason(handle: SurveyHandle) -> None:
    (rejected,) = handle.add_detections([Detection("new", "nosuch")], vectors()[:1], SPEC).rejected
    assert (rejected.detection_id, rejected.reason) == ("new", "NOT_FOUND")
    assert "'nosuch'" in rejected.message


def test_vectors_of_another_backbone_are_refused(handle: SurveyHandle) -> None:
    other = type(SPEC)("other", "p", 8)
    with pytest.raises(DigestMismatchError):
        handle.add_detections([Detection("new")], vectors()[:1], other)


def test_named_fields_are_corrected_and_refusals_listed(handle: SurveyHandle) -> None:
    first = replace(DETECTIONS[0], captured_at_s=None, individual_id="x")
    result = handle.update_detections([first, Detection("nosuch")], ["captured_at_s", "individual_id"])
    assert result.updated == 1
    assert result.results[0].changed_fields == ("captured_at_s", "individual_id")
    assert [(r.detection_id, r.reason) for r in result.rejected] == [("nosuch", "NOT_FOUND")]
    assert list(handle.detections()) == [first, *DETECTIONS[1:]]
    assert result.survey == handle.info()


def test_a_new_vector_replaces_the_stored_one(handle: SurveyHandle) -> None:
    result = handle.update_detections(DETECTIONS[:1], embeddings=-vectors()[:1], spec=SPEC)
    assert result.results[0].changed_fields == ("embedding",)
    _, embeddings = handle.detections_with_embeddings()
    unit = vectors()[0] / np.linalg.norm(vectors()[0])
    np.testing.assert_allclose(embeddings[0], -unit, atol=1e-3)


def test_more_corrections_than_a_call_takes_are_carried_out(handle: SurveyHandle) -> None:
    many = [Detection(f"ghost-{n}") for n in range(BLOCK_CORRECTIONS + 1)]
    result = handle.update_detections([*many, replace(DETECTIONS[0], side=Side.BACK)], ["side"])
    assert (len(result.results), result.updated) == (len(many) + 1, 1)


def test_changes_are_listed_since_a_revision(handle: SurveyHandle) -> None:
    revision = handle.info().revision
    assert list(handle.detection_changes()) == []
    handle.delete_detections(["d03"])
    assert list(handle.detection_changes(revision)) == [DetectionChange("d03", stored=False, version=0)]


def test_detections_are_deleted_and_missing_ones_counted(handle: SurveyHandle) -> None:
    deleted = handle.delete_detections(["d00", "d05", "nosuch"])
    assert (deleted.deleted, deleted.missing, deleted.survey.detection_count) == (2, 1, COUNT - 2)
    assert {"d00", "d05"}.isdisjoint(d.detection_id for d in handle.detections())


def test_cameras_are_added_and_replaced(handle: SurveyHandle) -> None:
    moved = Camera("c1", x_m=5.0, y_m=6.0)
    assert handle.upsert_cameras([moved, Camera("new")]).camera_count == len(CAMERAS) + 1
    assert {c.camera_id: c for c in handle.cameras()} == {**CAMERAS, "c1": moved, "new": Camera("new")}


def test_cameras_without_detections_are_deleted(handle: SurveyHandle) -> None:
    handle.upsert_cameras([Camera("new")])
    deleted = handle.delete_cameras(["new", "nosuch"])
    assert (deleted.deleted, deleted.missing, deleted.survey.camera_count) == (1, 1, len(CAMERAS))
    with pytest.raises(PreconditionError, match="correct the detections"):
        handle.delete_cameras(["c1"])


def test_an_unknown_survey_is_not_found(spotted: Spotted) -> None:
    with pytest.raises(NotFoundError):
        list(spotted.survey("nosuch").cameras())
