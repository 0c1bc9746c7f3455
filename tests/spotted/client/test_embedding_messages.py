from __future__ import annotations

from dataclasses import replace
from itertools import groupby

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spotted.client.embedding_messages import (
    by_image,
    crop_message,
    embedded,
    individual_messages,
    model,
    operation_info,
    preparation_message,
    recipe_message,
)
from spotted.client.values import Crop, CropPart, OperationState, Preparation, Tone
from spotted.heads.head import PAPER
from spotted.v1 import embedder_pb2, operations_pb2, survey_pb2


def test_a_crop_travels_with_its_box_in_fractions() -> None:
    message = crop_message(Crop("a", b"image", (0.1, 0.2, 0.3, 0.4)))
    assert message.fractions == survey_pb2.FractionBox(x=0.1, y=0.2, width=0.3, height=0.4)
    assert (message.crop_id, message.image) == ("a", b"image")


def test_a_crop_without_a_box_is_the_whole_image() -> None:
    assert crop_message(Crop("a", b"image")).WhichOneof("box") is None


def test_a_mask_is_set_only_if_there_is_one() -> None:
    assert crop_message(Crop("a", b"image")).WhichOneof("mask") is None
    assert crop_message(Crop("a", b"image", mask_png=b"png")).mask_png == b"png"


def test_the_others_of_a_crop_travel_in_its_message() -> None:
    other = CropPart("b", (0.5, 0.2, 0.3, 0.4), theta=0.5, mask_png=b"png")
    message = crop_message(Crop("a", b"image", others=(other,)))
    box = survey_pb2.FractionBox(x=0.5, y=0.2, width=0.3, height=0.4)
    assert list(message.others) == [
        embedder_pb2.CropPart(crop_id="b", fractions=box, theta=0.5, mask_png=b"png")
    ]
    assert message.image == b"image"


@given(images=st.lists(st.integers(0, 1), max_size=60))
def test_crops_of_one_image_are_joined_as_far_as_a_message_allows(images: list[int]) -> None:
    crops = [Crop(str(n), b"image %d" % image, (0.0, 0.0, 0.5, 1.0)) for n, image in enumerate(images)]
    joined = list(by_image(crops))
    apart = [Crop(i, crop.image, (0.0, 0.0, 0.5, 1.0)) for crop in joined for i in crop.crop_ids]
    assert apart == crops
    assert all(1 <= len(crop.crop_ids) <= 16 for crop in joined)
    runs = [len(list(run)) for _, run in groupby(images)]
    assert len(joined) == sum(-(-length // 16) for length in runs)


def test_crops_are_joined_with_their_others_and_not_beyond_the_size_of_a_message(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pair = Crop("a", b"image", others=(CropPart("b", theta=0.5),))
    (joined,) = by_image([pair, replace(pair, crop_id="c", others=(CropPart("d"),))])
    assert joined == Crop("a", b"image", others=(CropPart("b", theta=0.5), CropPart("c"), CropPart("d")))
    monkeypatch.setattr("spotted.client.embedding_messages.MOST_BYTES", 10)
    masked = [Crop(name, b"image", mask_png=b"png") for name in "ab"]
    assert list(by_image(masked)) == masked
    assert len(list(by_image([replace(masked[0], mask_png=b""), masked[1]]))) == 1


def test_a_preparation_without_a_fill_leaves_it_to_the_backbone() -> None:
    assert preparation_message(None) is None
    matched = preparation_message(Preparation(Tone.MATCHED, "digest", fill=0))
    assert matched == embedder_pb2.Preparation(
        tone=embedder_pb2.TONE_MATCHED,
        reference_digest="digest",
        fill=0,
        decoding=embedder_pb2.DECODING_EXACT,
    )
    plain = preparation_message(Preparation())
    assert plain is not None
    assert not plain.HasField("fill")


def test_a_crop_without_a_vector_has_an_error() -> None:
    failed = embedder_pb2.EmbedResult(crop_id="a", error=survey_pb2.ItemError(message="not an image"))
    answer = embedder_pb2.EmbedResponse(spec=survey_pb2.EmbeddingSpec(dimension=3))
    found = embedded(failed, answer)
    assert (found.vector, found.error, found.spec.dimension) == (None, "not an image", 3)
    assert (found.local_features, found.local_spec) == (b"", None)


def test_an_unmeasured_model_has_no_least_cosine() -> None:
    assert model(embedder_pb2.Model(model_id="m")).least_cosine is None
    assert model(embedder_pb2.Model(least_cosine=0.5)).least_cosine == 0.5


def test_a_recipe_travels_with_its_zeros() -> None:
    message = recipe_message(PAPER)
    assert (message.rank, message.epochs, message.anchor_weight) == (128, 300, 0.0)
    assert message.HasField("anchor_weight")
    assert message.HasField("level_negatives")
    assert not message.level_negatives


def test_an_operation_that_has_not_begun_has_no_times() -> None:
    running = operations_pb2.OPERATION_STATE_RUNNING
    info = operation_info(operations_pb2.Operation(operation_id="o", state=running, metrics={"loss": 0.5}))
    assert (info.state, info.metrics) == (OperationState.RUNNING, {"loss": 0.5})
    assert (info.started_at_s, info.updated_at_s) == (None, None)


def test_names_travel_by_individual_and_unnamed_detections_do_not() -> None:
    one, other = individual_messages({"d2": "Tau", "d1": "Asha", "d3": "Tau", "d4": ""})
    assert (one.individual_id, list(one.detection_ids)) == ("Asha", ["d1"])
    assert (other.individual_id, list(other.detection_ids)) == ("Tau", ["d2", "d3"])
