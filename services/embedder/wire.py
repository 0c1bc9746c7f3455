"""Embedder requests to library values, and results to responses."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Sequence

import numpy as np
from google.protobuf.duration_pb2 import Duration

from services.common.rpc import checks
from services.embedder.images.decoding import Decoding
from services.embedder.images.local_extraction import local_digest
from services.embedder.images.masks import Mask, PngMask, RleMask
from services.embedder.images.photograph import CropPart, Photograph
from services.embedder.images.preprocessing import Preprocessing
from services.embedder.images.segmenting import Segmenter
from services.embedder.images.tones import Tone
from services.embedder.inference.calls import CropResult, EmbedCall, EmbedOptions, NamedPhotograph
from services.embedder.inference.image_embedder import ImageEmbedder
from services.embedder.inference.pending import Timings
from spotted import __version__, messages
from spotted.arrays import Float32Array
from spotted.boxes.cropping import Box, Colour, FractionBox, PixelBox
from spotted.errors import InvalidInputError, SpottedError
from spotted.scoring.similarity import unit_rows
from spotted.v1 import embedder_pb2, survey_pb2

MAX_CROPS = 16
WHITE = 0xFFFFFF
_TONES = {
    embedder_pb2.TONE_UNSPECIFIED: Tone.AS_TAKEN,
    embedder_pb2.TONE_AS_TAKEN: Tone.AS_TAKEN,
    embedder_pb2.TONE_EQUALISED: Tone.EQUALISED,
    embedder_pb2.TONE_MATCHED: Tone.MATCHED,
}
_DECODINGS = {
    embedder_pb2.DECODING_UNSPECIFIED: Decoding.EXACT,
    embedder_pb2.DECODING_EXACT: Decoding.EXACT,
    embedder_pb2.DECODING_FAST: Decoding.FAST,
}


def embed_request(request: embedder_pb2.EmbedRequest) -> tuple[EmbedOptions, list[NamedPhotograph]]:
    """The options and the images of a unary call. Raises InvalidInputError with the field."""
    checks.between(sum(1 + len(crop.others) for crop in request.crops), 1, MAX_CROPS, "crops")
    images = [_photograph(crop) for crop in request.crops]
    checks.unique((i for image in images for i in image.crop_ids if i), "crops.crop_id")
    return _options(request), images


async def embed_stream(
    requests: AsyncIterator[embedder_pb2.EmbedStreamRequest],
) -> tuple[EmbedOptions, AsyncIterator[NamedPhotograph]] | None:
    """The options of a stream, from its first message, and its images; None for an empty stream.

    Raises InvalidInputError with the field, also while the images are read.
    """
    first = await anext(requests, None)
    return None if first is None else (_options(first), _stream_images(first, requests))


def embed_response(results: Sequence[CropResult], call: EmbedCall) -> embedder_pb2.EmbedResponse:
    """The response to a unary call."""
    return embedder_pb2.EmbedResponse(
        results=[_result(r) for r in results], spec=call_spec(call), local_spec=_local_spec(call)
    )


async def stream_responses(
    results: AsyncIterator[CropResult], call: EmbedCall
) -> AsyncIterator[embedder_pb2.EmbedStreamResponse]:
    """The responses of a stream, one for each result."""
    spec, local_spec = call_spec(call), _local_spec(call)
    async for result in results:
        yield embedder_pb2.EmbedStreamResponse(result=_result(result), spec=spec, local_spec=local_spec)


def base_embeddings(request: embedder_pb2.ApplyHeadRequest) -> Float32Array:
    """The unit rows to adapt. Raises InvalidInputError with the row and the defect."""
    rows = messages.array(request.embeddings, field="embeddings")
    if rows.size * np.dtype(np.float32).itemsize > checks.ANSWER_BYTES:
        raise InvalidInputError(
            f"embeddings have {rows.size} elements, which take more than a message as float32; send at most "
            f"{checks.ANSWER_BYTES // 4} in one call",
            field="embeddings",
        )
    return unit_rows(rows)


def model(embedder: ImageEmbedder) -> embedder_pb2.Model:
    """A loaded backbone as clients see it."""
    manifest = embedder.backbone.manifest
    return embedder_pb2.Model(
        model_id=manifest.model_id,
        version=str(manifest.version),
        spec=_spec(embedder, embedder.backbone.preprocessing),
        input_size=manifest.input_size,
        licence=manifest.licence,
        source=manifest.source,
        device=embedder.backbone.device,
        precision=manifest.precision,
        least_cosine=manifest.least_cosine or 0.0,
    )


def server_info(
    embedders: Sequence[ImageEmbedder],
    default_model_id: str,
    segmenter: Segmenter | None,
    local_methods: Iterable[str] = (),
    *,
    max_message_bytes: int,
) -> embedder_pb2.GetServerInfoResponse:
    """Version, limits and models of this server."""
    return embedder_pb2.GetServerInfoResponse(
        server=survey_pb2.ServerInfo(version=__version__, max_message_bytes=max_message_bytes),
        default_model_id=default_model_id,
        max_crops=MAX_CROPS,
        max_image_pixels=min(e.max_pixels for e in embedders),
        models=[model(e) for e in embedders],
        max_queue_crops=min(e.limits.max_queue for e in embedders),
        max_queue_bytes=min(e.limits.max_queue_bytes for e in embedders),
        segmenter_digest=segmenter.digest if segmenter else "",
        local_methods=sorted(local_methods),
    )


def call_spec(call: EmbedCall) -> survey_pb2.EmbeddingSpec:
    """The spec of the vectors of a call."""
    head = call.plan.head
    return _spec(call.embedder, call.plan.preprocessing, head.digest if head else "")


def _options(request: embedder_pb2.EmbedRequest | embedder_pb2.EmbedStreamRequest) -> EmbedOptions:
    preparation = request.preparation
    tone = _TONES.get(preparation.tone)
    if tone is None:
        raise InvalidInputError(
            f"preparation.tone {preparation.tone} is not a known tone; use a value of Tone",
            field="preparation.tone",
        )
    if (tone is Tone.MATCHED) != bool(preparation.reference_digest):
        raise InvalidInputError(
            "preparation.reference_digest and TONE_MATCHED need each other; send both or neither",
            field="preparation.reference_digest",
        )
    decoding = _DECODINGS.get(preparation.decoding)
    if decoding is None:
        raise InvalidInputError(
            f"preparation.decoding {preparation.decoding} is not a known decoding; use a value of Decoding",
            field="preparation.decoding",
        )
    if decoding is Decoding.FAST and request.local_method:
        raise InvalidInputError(
            "local features need all pixels; decode exactly, or extract them in a call of their own",
            field="preparation.decoding",
        )
    return EmbedOptions(
        model_id=request.model_id,
        survey_id=checks.survey_id(request.survey_id, "survey_id") if request.survey_id else "",
        head_digest=request.head_digest,
        tone=tone,
        reference_digest=preparation.reference_digest,
        segmented=preparation.segmented,
        fill=_fill(preparation),
        local_method=request.local_method,
        decoding=decoding,
    )


def _fill(preparation: embedder_pb2.Preparation) -> Colour | None:
    if not preparation.HasField("fill"):
        return None
    checks.between(preparation.fill, 0, WHITE, "preparation.fill")
    return preparation.fill >> 16, preparation.fill >> 8 & 0xFF, preparation.fill & 0xFF


async def _stream_images(
    first: embedder_pb2.EmbedStreamRequest, rest: AsyncIterator[embedder_pb2.EmbedStreamRequest]
) -> AsyncIterator[NamedPhotograph]:
    # a stream may have millions of crops, and a number takes less memory than an id
    seen: set[int] = set()
    yield _stream_image(first, seen)
    async for request in rest:
        yield _stream_image(request, seen)


def _stream_image(request: embedder_pb2.EmbedStreamRequest, seen: set[int]) -> NamedPhotograph:
    checks.between(len(request.crop.others), 0, MAX_CROPS - 1, "crop.others")
    image = _photograph(request.crop)
    for crop_id in image.crop_ids:
        checks.identifier(crop_id, "crop.crop_id")
        if hash(crop_id) in seen:
            raise InvalidInputError(
                f"crop_id {crop_id!r} was sent before in this stream; give each crop its own id",
                field="crop.crop_id",
            )
        seen.add(hash(crop_id))
    return image


def _photograph(message: embedder_pb2.Crop) -> NamedPhotograph:
    """An image; it, its boxes and masks are checked when it is prepared, so that it fails by itself."""
    parts: tuple[embedder_pb2.Crop | embedder_pb2.CropPart, ...] = (message, *message.others)
    ids = tuple(checks.identifier(part.crop_id, "crop_id", required=False) for part in parts)
    return NamedPhotograph(ids, Photograph(message.image, tuple(map(_part, parts))))


def _part(message: embedder_pb2.Crop | embedder_pb2.CropPart) -> CropPart:
    box: Box | None = None
    match message.WhichOneof("box"):
        case "pixels":
            box = PixelBox(*_sides(message.pixels))
        case "fractions":
            box = FractionBox(*_sides(message.fractions))
    mask: Mask | None = None
    match message.WhichOneof("mask"):
        case "mask_png":
            mask = PngMask(message.mask_png)
        case "mask_rle":
            rle = message.mask_rle
            mask = RleMask(rle.height, rle.width, rle.compressed or tuple(rle.counts))
    return CropPart(box, message.theta, mask)


def _sides(box: survey_pb2.PixelBox | survey_pb2.FractionBox) -> tuple[float, float, float, float]:
    return box.x, box.y, box.width, box.height


def _local_spec(call: EmbedCall) -> survey_pb2.LocalFeatureSpec | None:
    extractor, steps = call.plan.extractor, call.plan.preprocessing
    if extractor is None:
        return None
    digest = local_digest(extractor, steps)
    return survey_pb2.LocalFeatureSpec(method=extractor.spec.name, digest=digest)


def _spec(
    embedder: ImageEmbedder, preprocessing: Preprocessing, head_digest: str = ""
) -> survey_pb2.EmbeddingSpec:
    return survey_pb2.EmbeddingSpec(
        backbone_digest=embedder.backbone.digest,
        preprocessing_digest=preprocessing.digest,
        dimension=embedder.backbone.manifest.dimension,
        head_digest=head_digest,
    )


def _result(result: CropResult) -> embedder_pb2.EmbedResult:
    if isinstance(result.embedding, SpottedError):
        error = survey_pb2.ItemError(reason=result.embedding.reason, message=str(result.embedding))
        return embedder_pb2.EmbedResult(crop_id=result.crop_id, error=error)
    return embedder_pb2.EmbedResult(
        crop_id=result.crop_id,
        embedding=messages.tensor(result.embedding.vector),
        timings=_timings(result.embedding.timings),
        local_features=result.embedding.local_features,
    )


def _timings(timings: Timings) -> embedder_pb2.EmbedTimings:
    return embedder_pb2.EmbedTimings(
        queued=_duration(timings.queued_s),
        prepared=_duration(timings.prepared_s),
        inferred=_duration(timings.worked_s),
    )


def _duration(seconds: float) -> Duration:
    duration = Duration()
    duration.FromNanoseconds(round(seconds * 1e9))
    return duration
