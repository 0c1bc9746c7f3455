from __future__ import annotations

import uuid

import grpc
import numpy as np
import pytest

from services.common.store import keys
from services.common.store.store import Store
from services.common.survey.local_parts import LocalParts, feature_key, feature_name
from services.scorer.local.additions import add_local_features
from services.scorer.local.requests import feature_block
from services.scorer.surveys import Surveys
from spotted import messages
from spotted.errors import DigestMismatchError
from spotted.survey import ImageBox
from spotted.v1 import corrections_pb2, scorer_pb2, survey_pb2
from spotted.v1 import local_features_pb2 as pb
from tests.services.failing import failure_of
from tests.services.scorer.local.features import drawn
from tests.services.scorer.planted import SPEC as EMBEDDING
from tests.services.scorer.planted import Scorer, vectors

SPEC = survey_pb2.LocalFeatureSpec(method="hotspotter", digest="a" * 64)
OTHER = survey_pb2.LocalFeatureSpec(method="another", digest="b" * 64)


def request(
    survey_id: str, features: dict[str, bytes], spec: survey_pb2.LocalFeatureSpec = SPEC, **fields: object
) -> pb.AddLocalFeaturesRequest:
    return pb.AddLocalFeaturesRequest(
        survey_id=survey_id,
        spec=spec,
        features=[pb.DetectionLocalFeatures(detection_id=i, features=f) for i, f in features.items()],
        **fields,  # type: ignore[arg-type] # fields by name
    )


def content(seed: int) -> bytes:
    return drawn(seed).to_bytes()


def stored_names(store: Store, survey_id: str) -> set[str]:
    read = store.script("return redis.call('HKEYS', KEYS[1])", writes=False)
    return {name.decode() for name in read([keys.local_parts(survey_id)], [])}  # type: ignore[attr-defined] # a list


def with_features(scorer: Scorer, survey_id: str) -> list[str]:
    page = scorer.stub.ListDetections(scorer_pb2.ListDetectionsRequest(survey_id=survey_id))
    return [page.detections[index].detection_id for index in page.with_local_features]


def test_features_are_stored_counted_and_replaced(scorer: Scorer, store: Store, survey_id: str) -> None:
    ids = [d.detection_id for d in scorer.plant(survey_id, 4)[0]]
    before = scorer.stub.GetSurvey(scorer_pb2.GetSurveyRequest(survey_id=survey_id)).survey
    features = {ids[2]: content(1), ids[0]: content(2), "ghost": content(3), ids[3]: b"damaged"}
    answer = scorer.stub.AddLocalFeatures(request(survey_id, features))
    assert (answer.added, answer.unchanged, answer.survey.local_feature_count) == (2, 0, 2)
    assert answer.survey.revision == before.revision + 1
    assert (answer.survey.etag, answer.survey.local_features) == (before.etag, SPEC)
    reasons = {one.detection_id: one.error.reason for one in answer.rejected}
    assert reasons == {"ghost": "NOT_FOUND", ids[3]: "INVALID_INPUT"}
    assert with_features(scorer, survey_id) == [ids[0], ids[2]]
    again = scorer.stub.AddLocalFeatures(request(survey_id, {ids[2]: content(1), ids[0]: content(4)}))
    assert (again.added, again.unchanged) == (1, 1)
    names = {
        ids[2]: feature_name(feature_key(ids[2], content(1))),
        ids[0]: feature_name(feature_key(ids[0], content(4))),
    }
    assert stored_names(store, survey_id) == set(names.values())
    assert LocalParts(store).get(survey_id, list(names.values())) == [content(1), content(4)]


def test_a_survey_has_features_of_one_method_unless_all_are_replaced(
    scorer: Scorer, store: Store, survey_id: str
) -> None:
    ids = [d.detection_id for d in scorer.plant(survey_id, 3)[0]]
    scorer.stub.AddLocalFeatures(request(survey_id, {ids[0]: content(1), ids[1]: content(2)}))
    other = {ids[2]: content(3)}
    with pytest.raises(grpc.RpcError) as caught:
        scorer.stub.AddLocalFeatures(request(survey_id, other, OTHER))
    assert failure_of(caught.value)[:2] == (grpc.StatusCode.FAILED_PRECONDITION, "DIGEST_MISMATCH")
    answer = scorer.stub.AddLocalFeatures(request(survey_id, other, OTHER, replace_spec=True))
    assert (answer.added, answer.survey.local_feature_count) == (1, 1)
    assert answer.survey.local_features == OTHER
    assert stored_names(store, survey_id) == {feature_name(feature_key(ids[2], content(3)))}


def test_features_go_with_their_detection_its_image_and_its_survey(
    scorer: Scorer, store: Store, survey_id: str
) -> None:
    added, embeddings = scorer.plant(survey_id, 5)
    ids = [d.detection_id for d in added]
    scorer.stub.AddLocalFeatures(request(survey_id, {i: content(n) for n, i in enumerate(ids)}))
    scorer.stub.DeleteDetections(
        scorer_pb2.DeleteDetectionsRequest(survey_id=survey_id, detection_ids=[ids[0], "ghost"])
    )
    # the box, the vector and only the side of another detection each
    boxed, seen, turned = (messages.detection_message(d) for d in added[1:4])
    boxed.fractions.CopyFrom(survey_pb2.FractionBox(x=0.5, y=0.5, width=0.25, height=0.25))
    assert ImageBox(0.5, 0.5, 0.25, 0.25) == messages.detection(boxed).box
    turned.side = survey_pb2.SIDE_BACK
    update = corrections_pb2.UpdateDetectionsRequest(survey_id=survey_id, detections=[boxed, seen])
    update.update_mask.paths.append("box")
    update.embeddings.CopyFrom(messages.tensor(np.stack([embeddings[1], vectors(1, seed=9)[0]])))
    update.spec.CopyFrom(EMBEDDING)
    changed = scorer.stub.UpdateDetections(update)
    assert [list(one.changed_fields) for one in changed.results] == [
        ["box", "local_features"], ["embedding", "local_features"],
    ]  # fmt: skip
    sided = corrections_pb2.UpdateDetectionsRequest(survey_id=survey_id, detections=[turned])
    sided.update_mask.paths.append("side")
    assert list(scorer.stub.UpdateDetections(sided).results[0].changed_fields) == ["side"]
    assert with_features(scorer, survey_id) == ids[3:]
    kept = scorer.stub.GetSurvey(scorer_pb2.GetSurveyRequest(survey_id=survey_id)).survey
    assert kept.local_feature_count == changed.survey.local_feature_count == 2
    assert stored_names(store, survey_id) == {
        feature_name(feature_key(i, content(n))) for n, i in enumerate(ids) if n >= 3
    }
    scorer.stub.DeleteSurvey(scorer_pb2.DeleteSurveyRequest(survey_id=survey_id))
    assert not store.names(keys.local_parts(survey_id))


def test_a_repeated_request_changes_nothing_and_a_stranger_replica_sees_the_same(
    surveys: Surveys, scorer: Scorer, survey_id: str
) -> None:
    ids = [d.detection_id for d in scorer.plant(survey_id, 2)[0]]
    block, request_id = feature_block(request(survey_id, {ids[0]: content(1)})), uuid.uuid4().hex
    first = add_local_features(surveys, block, request_id)
    assert add_local_features(surveys, block, request_id) == first
    assert with_features(scorer, survey_id) == [ids[0]]
    with pytest.raises(DigestMismatchError, match="--local another --again"):
        add_local_features(surveys, feature_block(request(survey_id, {ids[1]: content(2)}, OTHER)), "")
