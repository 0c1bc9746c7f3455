from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from spotted.client import Crop, EmbeddingSpec
from spotted.client.local_features.survey import SurveyLocalFeatures
from spotted.client.survey_handle import SurveyHandle
from spotted.client.values import LocalFeatureSpec
from spotted.errors import DigestMismatchError, InvalidInputError, NotFoundError
from spotted.survey import Detection, Survey
from spotted.testing import fake_services
from spotted.testing.fake_local_features import METHOD

VECTORS = EmbeddingSpec("backbone", "preprocessing", dimension=2)
SPEC = LocalFeatureSpec("hotspotter", "digest")


def test_features_belong_to_stored_detections_and_to_their_image() -> None:
    assert issubclass(SurveyHandle, SurveyLocalFeatures)
    with fake_services() as spotted:
        survey = spotted.create_survey(Survey("kruger", 0.0, 86_400.0))
        survey.add_detections([Detection(one) for one in "abc"], np.eye(3, 2) + 1.0, VECTORS)
        result = survey.add_local_features({"a": b"1", "c": b"3", "ghost": b"?"}, SPEC)
        assert (result.added, [one.detection_id for one in result.rejected]) == (2, ["ghost"])
        assert survey.with_local_features() == {"a", "c"}
        update = survey.update_detections(
            [Detection("a", image_id="i")], ["image_id"], embeddings=np.ones((1, 2)), spec=VECTORS
        )
        assert update.results[0].changed_fields[-1] == "local_features"
        survey.delete_detections(["c"])
        assert survey.with_local_features() == set()
        assert survey.info().local_feature_count == 0


def test_another_method_replaces_all_features_only_on_request() -> None:
    with fake_services() as spotted:
        survey = spotted.create_survey(Survey("kruger", 0.0, 86_400.0))
        survey.add_detections([Detection(one) for one in "ab"], np.eye(2), VECTORS)
        survey.add_local_features({"a": b"1"}, SPEC)
        other = replace(SPEC, digest="other")
        with pytest.raises(DigestMismatchError):
            survey.add_local_features({"b": b"2"}, other)
        assert survey.add_local_features({"b": b"2"}, other, replace_spec=True).survey.local_features == other
        assert survey.with_local_features() == {"b"}
        with pytest.raises(InvalidInputError, match="at least one"):
            survey.add_local_features({}, SPEC)


def test_a_fake_embedder_extracts_them_beside_the_vector() -> None:
    with fake_services() as spotted:
        crops = [Crop(name, name.encode()) for name in ("zebra", "lion")]
        plain, *_ = spotted.embed_batch(crops)
        zebra, lion = spotted.embed_batch(crops, local_method=METHOD)
        assert (plain.local_features, plain.local_spec) == (b"", None)
        assert zebra.local_features != lion.local_features
        assert zebra.local_spec is not None
        assert [one.local_features for one in spotted.embed(crops, local_method=METHOD)] == [
            zebra.local_features, lion.local_features,
        ]  # fmt: skip
        with pytest.raises(NotFoundError, match="local features"):
            spotted.embed_batch(crops, local_method="nosuch")
        assert spotted.server_info().local_methods == (METHOD,)
