from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import numpy as np
import pytest

from services.embedder import wire
from services.embedder.images.decoding import Decoding
from services.embedder.images.masks import PngMask, RleMask
from services.embedder.images.photograph import WHOLE_IMAGE, CropPart, Photograph
from services.embedder.images.tones import Tone
from services.embedder.inference.calls import CropResult, EmbedOptions
from services.embedder.inference.image_embedder import Embedding
from services.embedder.inference.pending import Timings
from spotted import messages
from spotted.boxes.cropping import FractionBox, PixelBox
from spotted.errors import InvalidInputError, UnreadableImageError
from spotted.v1 import embedder_pb2 as pb
from spotted.v1 import survey_pb2


def decoded(crop: pb.Crop) -> CropPart:
    """The part of a unary call with this crop only."""
    _, (named,) = wire.embed_request(pb.EmbedRequest(crops=[crop]))
    (part,) = named.photograph.parts
    return part


def options(request: pb.EmbedRequest) -> EmbedOptions:
    """The options of a unary call, with a crop added."""
    whole = pb.EmbedRequest()
    whole.CopyFrom(request)
    whole.crops.add()
    return wire.embed_request(whole)[0]


def test_a_crop_keeps_its_id_image_and_kind_of_box() -> None:
    pixels = pb.Crop(crop_id="a", image=b"x", pixels=survey_pb2.PixelBox(x=1, y=2, width=3, height=4))
    fractions = pb.Crop(crop_id="b", fractions=survey_pb2.FractionBox(x=0.1, y=0.2, width=0.3, height=0.4))
    whole = pb.Crop(crop_id="c", image=b"y")
    _, crops = wire.embed_request(pb.EmbedRequest(crops=[pixels, fractions, whole]))
    assert [crop.crop_ids for crop in crops] == [("a",), ("b",), ("c",)]
    assert [crop.photograph.content for crop in crops] == [b"x", b"", b"y"]
    assert [crop.photograph.parts for crop in crops] == [
        (CropPart(PixelBox(1, 2, 3, 4)),),
        (CropPart(FractionBox(0.1, 0.2, 0.3, 0.4)),),
        (WHOLE_IMAGE,),
    ]


def test_the_others_of_a_crop_are_parts_of_its_image() -> None:
    box = survey_pb2.FractionBox(x=0.1, y=0.2, width=0.3, height=0.4)
    others = [pb.CropPart(crop_id="b", fractions=box, theta=0.5), pb.CropPart(crop_id="c", mask_png=b"png")]
    crop = pb.Crop(crop_id="a", image=b"x", others=others)
    _, images = wire.embed_request(pb.EmbedRequest(crops=[crop, pb.Crop(crop_id="d", image=b"x")]))
    assert [image.crop_ids for image in images] == [("a", "b", "c"), ("d",)]
    turned = CropPart(FractionBox(0.1, 0.2, 0.3, 0.4), 0.5)
    assert images[0].photograph == Photograph(b"x", (WHOLE_IMAGE, turned, CropPart(mask=PngMask(b"png"))))


def test_the_others_of_crops_count_and_have_ids_of_their_own() -> None:
    many = pb.Crop(crop_id="a", others=[pb.CropPart()] * 15)
    assert len(wire.embed_request(pb.EmbedRequest(crops=[many]))[1][0].crop_ids) == 16
    with pytest.raises(InvalidInputError, match="crops is 17; use 1 to 16"):
        wire.embed_request(pb.EmbedRequest(crops=[many, pb.Crop(crop_id="z")]))
    with pytest.raises(InvalidInputError, match="names 'a' twice"):
        wire.embed_request(pb.EmbedRequest(crops=[pb.Crop(crop_id="a", others=[pb.CropPart(crop_id="a")])]))


def test_a_crop_keeps_its_turn_and_kind_of_mask() -> None:
    drawn = decoded(pb.Crop(theta=0.5, mask_png=b"png"))
    assert (drawn.theta, drawn.mask) == (0.5, PngMask(b"png"))
    counted = pb.RunLengthMask(height=2, width=3, counts=[1, 5])
    packed = pb.RunLengthMask(height=2, width=3, compressed="1O")
    assert decoded(pb.Crop(mask_rle=counted)).mask == RleMask(2, 3, (1, 5))
    assert decoded(pb.Crop(mask_rle=packed)).mask == RleMask(2, 3, "1O")


def test_a_call_without_options_asks_for_base_embeddings_of_images_as_taken() -> None:
    assert options(pb.EmbedRequest()) == EmbedOptions()
    assert EmbedOptions().default_preparation
    assert options(pb.EmbedRequest(survey_id="kruger")) == EmbedOptions(survey_id="kruger")


def test_every_option_is_read() -> None:
    preparation = pb.Preparation(tone=pb.TONE_MATCHED, reference_digest="r", segmented=True, fill=0x0102FF)
    found = options(pb.EmbedRequest(model_id="m", head_digest="h", preparation=preparation))
    assert found == EmbedOptions("m", "", "h", Tone.MATCHED, "r", segmented=True, fill=(1, 2, 255))
    assert not found.default_preparation
    fast = options(pb.EmbedRequest(preparation=pb.Preparation(decoding=pb.DECODING_FAST)))
    assert fast == EmbedOptions(decoding=Decoding.FAST)
    assert not fast.default_preparation


def test_a_stream_is_opened_by_its_first_message_and_its_crops_are_read_one_by_one() -> None:
    async def requests() -> AsyncIterator[pb.EmbedStreamRequest]:
        yield pb.EmbedStreamRequest(crop=pb.Crop(crop_id="a"), model_id="m", survey_id="kruger")
        yield pb.EmbedStreamRequest(crop=pb.Crop(crop_id="b"), model_id="ignored")
        yield pb.EmbedStreamRequest(crop=pb.Crop(crop_id="tab\t"))

    async def run() -> None:
        stream = await wire.embed_stream(requests())
        assert stream is not None
        found, crops = stream
        assert found == EmbedOptions("m", "kruger")
        assert [(await anext(crops)).crop_ids for _ in range(2)] == [("a",), ("b",)]
        with pytest.raises(InvalidInputError, match="crop_id is"):
            await anext(crops)

    asyncio.run(run())


def test_a_crop_id_is_used_once_in_a_call_and_no_id_is_none() -> None:
    crops = [pb.Crop(crop_id=crop_id) for crop_id in ("a", "", "b", "")]
    assert len(wire.embed_request(pb.EmbedRequest(crops=crops))[1]) == 4
    with pytest.raises(InvalidInputError, match=r"crops\.crop_id names 'a' twice"):
        wire.embed_request(pb.EmbedRequest(crops=[*crops, pb.Crop(crop_id="a")]))


AGAIN = "'a' was sent before in this stream"


@pytest.mark.parametrize(
    ("last", "words"),
    [
        (pb.Crop(crop_id="a"), AGAIN),
        (pb.Crop(), "crop_id"),
        (pb.Crop(crop_id="c", others=[pb.CropPart(crop_id="a")]), AGAIN),
        (pb.Crop(crop_id="c", others=[pb.CropPart()]), "crop_id"),
    ],
)
def test_a_crop_id_is_needed_in_a_stream_and_used_once(last: pb.Crop, words: str) -> None:
    async def requests() -> AsyncIterator[pb.EmbedStreamRequest]:
        for crop in (pb.Crop(crop_id="a"), pb.Crop(crop_id="b"), last):
            yield pb.EmbedStreamRequest(crop=crop)

    async def run() -> None:
        stream = await wire.embed_stream(requests())
        assert stream is not None
        assert [(await anext(stream[1])).crop_ids for _ in range(2)] == [("a",), ("b",)]
        with pytest.raises(InvalidInputError, match=words) as caught:
            await anext(stream[1])
        assert caught.value.field == "crop.crop_id"

    asyncio.run(run())


def test_an_image_of_a_stream_has_sixteen_crops_at_most() -> None:
    async def requests() -> AsyncIterator[pb.EmbedStreamRequest]:
        others = [pb.CropPart(crop_id=str(n)) for n in range(16)]
        yield pb.EmbedStreamRequest(crop=pb.Crop(crop_id="a", others=others[:15]))
        yield pb.EmbedStreamRequest(crop=pb.Crop(crop_id="b", others=others))

    async def run() -> None:
        stream = await wire.embed_stream(requests())
        assert stream is not None
        assert len((await anext(stream[1])).crop_ids) == 16
        with pytest.raises(InvalidInputError, match=r"crop\.others is 16; use 0 to 15"):
            await anext(stream[1])

    asyncio.run(run())


def test_an_empty_stream_is_nothing() -> None:
    async def requests() -> AsyncIterator[pb.EmbedStreamRequest]:
        nothing: list[pb.EmbedStreamRequest] = []
        for request in nothing:
            yield request

    async def run() -> None:
        assert await wire.embed_stream(requests()) is None

    asyncio.run(run())


@pytest.mark.parametrize(
    ("request_", "field"),
    [
        (pb.EmbedRequest(preparation=pb.Preparation(tone=77)), "preparation.tone"),  # type: ignore[arg-type] # no tone
        (pb.EmbedRequest(preparation=pb.Preparation(decoding=77)), "preparation.decoding"),  # type: ignore[arg-type] # no decoding
        (
            pb.EmbedRequest(local_method="hotspotter", preparation=pb.Preparation(decoding=pb.DECODING_FAST)),
            "preparation.decoding",
        ),
        (pb.EmbedRequest(preparation=pb.Preparation(tone=pb.TONE_MATCHED)), "preparation.reference_digest"),
        (pb.EmbedRequest(preparation=pb.Preparation(reference_digest="r")), "preparation.reference_digest"),
        (pb.EmbedRequest(preparation=pb.Preparation(fill=0x1000000)), "preparation.fill"),
        (pb.EmbedRequest(survey_id="two words"), "survey_id"),
    ],
)
def test_invalid_options_are_refused_with_the_field(request_: pb.EmbedRequest, field: str) -> None:
    with pytest.raises(InvalidInputError) as refused:
        options(request_)
    assert refused.value.field == field


@pytest.mark.parametrize("count", [0, 17])
def test_no_crop_or_too_many_are_refused(count: int) -> None:
    with pytest.raises(InvalidInputError, match="use 1 to 16"):
        wire.embed_request(pb.EmbedRequest(crops=[pb.Crop()] * count))


def test_base_embeddings_with_nan_are_refused() -> None:
    tensor = messages.tensor(np.full((2, 3), np.nan, np.float32))
    with pytest.raises(InvalidInputError, match="row 0 has NaN"):
        wire.base_embeddings(pb.ApplyHeadRequest(embeddings=tensor))


def test_a_result_is_a_vector_with_timings_or_an_error_with_its_reason() -> None:
    vector = np.array([0.6, 0.8], np.float32)
    good = wire._result(CropResult("a", Embedding(vector, Timings(0.5, 0.25, 0.125))))
    np.testing.assert_array_equal(messages.vector(good.embedding), vector)
    assert good.timings.queued.ToMilliseconds() == 500
    assert good.timings.inferred.ToMilliseconds() == 125
    bad = wire._result(CropResult("b", UnreadableImageError("torn")))
    assert (bad.WhichOneof("outcome"), bad.error.reason, bad.error.message) == (
        "error",
        "UNREADABLE_IMAGE",
        "torn",
    )
