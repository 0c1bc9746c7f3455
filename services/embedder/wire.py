"""Embedder requests to library values, and results to responses."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from google.protobuf.duration_pb2 import Duration

from services.common.rpc import checks
from services.embedder.images.cropping import Box, FractionBox, PixelBox
from services.embedder.images.masks import Mask, PngMask, RleMask
from services.embedder.images.preprocessing import ImageCrop
from services.embedder.images.segmenting import Segmenter
from services.embedder.images.tones import Tone
from services.embedder.inference.batching import Timings
from services.embedder.inference.calls import NamedCrop, Outcome, Wanted
from services.embedder.inference.image_embedder import ImageEmbedder, Way
from spotted import __version__, messages
from spotted.arrays import Float32Array
from spotted.errors import InvalidInputError, SpottedError
from spotted.heads.head import HeadRecipe
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
# a head of this width on 1,280 elements takes 10 MiB; wider ones are no bottleneck
MAX_RANK = 1024
# days on one core of a large survey; the paper's 300 take minutes
MAX_EPOCHS = 10_000
WEIGHTS: tuple[Literal["anchor_weight"], Literal["positive_weight"], Literal["negative_weight"]]
WEIGHTS = ("anchor_weight", "positive_weight", "negative_weight")


def wanted(request: embedder_pb2.EmbedRequest | embedder_pb2.EmbedStreamRequest) -> Wanted:
    """How a call wants its crops embedded. Raises InvalidInputError naming the field."""
    asked = request.preparation
    tone = _TONES.get(asked.tone)
    if tone is None:
        raise InvalidInputError(f"preparation.tone is {asked.tone}, which is none", field="preparation.tone")
    if (tone is Tone.MATCHED) != bool(asked.reference_digest):
        raise InvalidInputError(
            "preparation.reference_digest and TONE_MATCHED need each other; send both or neither",
            field="preparation.reference_digest",
        )
    survey_id = checks.survey_id(request.survey_id, "survey_id") if request.survey_id else ""
    return Wanted(survey_id, request.head_digest, tone, asked.reference_digest, asked.segmented, _fill(asked))


def _fill(asked: embedder_pb2.Preparation) -> tuple[int, int, int] | None:
    if not asked.HasField("fill"):
        return None
    checks.between(asked.fill, 0, WHITE, "preparation.fill")
    return asked.fill >> 16, asked.fill >> 8 & 0xFF, asked.fill & 0xFF


def crops(request: embedder_pb2.EmbedRequest) -> list[NamedCrop]:
    """The crops of a unary call. Raises InvalidInputError for none, or too many."""
    checks.between(len(request.crops), 1, MAX_CROPS, "crops")
    return [named_crop(crop) for crop in request.crops]


def named_crop(message: embedder_pb2.Crop) -> NamedCrop:
    """A crop; whether its image, box and mask can be used shows when it is prepared."""
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
    crop_id = checks.identifier(message.crop_id, "crop_id", required=False)
    return NamedCrop(crop_id, ImageCrop(message.image, box, message.theta, mask))


def embed_response(outcomes: Sequence[Outcome], made: survey_pb2.EmbeddingSpec) -> embedder_pb2.EmbedResponse:
    """The answer to a unary call."""
    return embedder_pb2.EmbedResponse(results=[_result(o) for o in outcomes], spec=made)


def stream_response(outcome: Outcome, made: survey_pb2.EmbeddingSpec) -> embedder_pb2.EmbedStreamResponse:
    """One answer of a stream."""
    return embedder_pb2.EmbedStreamResponse(result=_result(outcome), spec=made)


def spec(embedder: ImageEmbedder, way: Way | None = None) -> survey_pb2.EmbeddingSpec:
    """How this embedder makes vectors, in a call's way or by default."""
    backbone = embedder.backbone
    preprocessing = way.preprocessing if way else backbone.preprocessing
    return survey_pb2.EmbeddingSpec(
        backbone_digest=backbone.digest,
        preprocessing_digest=preprocessing.digest,
        dimension=backbone.manifest.dimension,
        head_digest=way.head.digest if way and way.head else "",
    )


def base_embeddings(request: embedder_pb2.ApplyHeadRequest) -> Float32Array:
    """The unit rows to adapt. Raises InvalidInputError naming what is wrong with them."""
    return unit_rows(messages.array(request.embeddings, field="embeddings"))


def recipe(message: embedder_pb2.HeadRecipe) -> HeadRecipe:
    """A recipe; 0 stands for the default. Raises InvalidInputError for a value that cannot be used."""
    default = HeadRecipe()
    checks.between(message.rank, 0, MAX_RANK, "recipe.rank")
    checks.between(message.epochs, 0, MAX_EPOCHS, "recipe.epochs")
    checks.finite(message.learning_rate, "recipe.learning_rate", least=0.0, most=1.0)
    for weight in WEIGHTS:
        checks.finite(getattr(message, weight), f"recipe.{weight}", least=0.0)
    checks.finite(message.positive_from, "recipe.positive_from", least=0.0, most=1.0)
    checks.finite(message.negative_to, "recipe.negative_to", least=0.0, most=1.0)
    chosen = HeadRecipe(
        rank=message.rank or default.rank,
        epochs=message.epochs or default.epochs,
        learning_rate=message.learning_rate or default.learning_rate,
        positive_from=message.positive_from or default.positive_from,
        negative_to=message.negative_to if message.HasField("negative_to") else default.negative_to,
        level_negatives=message.level_negatives
        if message.HasField("level_negatives")
        else default.level_negatives,
        seed=message.seed,
        # a weight of 0 is a weight
        **{weight: getattr(message if message.HasField(weight) else default, weight) for weight in WEIGHTS},
    )
    if chosen.negative_to >= chosen.positive_from:
        raise InvalidInputError(
            f"recipe.negative_to {chosen.negative_to} is not below positive_from {chosen.positive_from}",
            field="recipe.negative_to",
        )
    return chosen


def model(embedder: ImageEmbedder) -> embedder_pb2.Model:
    """A loaded backbone as clients see it."""
    manifest = embedder.backbone.manifest
    return embedder_pb2.Model(
        model_id=manifest.model_id,
        version=str(manifest.version),
        spec=spec(embedder),
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
    *,
    max_message_bytes: int,
) -> embedder_pb2.GetServerInfoResponse:
    """Who this server is and what it takes."""
    return embedder_pb2.GetServerInfoResponse(
        server=survey_pb2.ServerInfo(version=__version__, max_message_bytes=max_message_bytes),
        default_model_id=default_model_id,
        max_crops=MAX_CROPS,
        max_image_pixels=min(e.max_pixels for e in embedders),
        models=[model(e) for e in embedders],
        max_queue_crops=min(e.limits.max_queue for e in embedders),
        max_queue_bytes=min(e.limits.max_queue_bytes for e in embedders),
        segmenter_digest=segmenter.digest if segmenter else "",
    )


def _sides(box: survey_pb2.PixelBox | survey_pb2.FractionBox) -> tuple[float, float, float, float]:
    return box.x, box.y, box.width, box.height


def _result(outcome: Outcome) -> embedder_pb2.EmbedResult:
    if isinstance(outcome.result, SpottedError):
        error = survey_pb2.ItemError(reason=outcome.result.reason, message=str(outcome.result))
        return embedder_pb2.EmbedResult(crop_id=outcome.crop_id, error=error)
    return embedder_pb2.EmbedResult(
        crop_id=outcome.crop_id,
        embedding=messages.tensor(outcome.result.vector),
        timings=_timings(outcome.result.timings),
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
