"""Embedder requests to library values, and results to responses."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from google.protobuf.duration_pb2 import Duration

from services.common import wire
from services.embedder.batching import Timings
from services.embedder.images import Box, FractionBox, PixelBox
from services.embedder.pipeline import Embedding, ImageCrop, ImageEmbedder
from spotted import __version__, messages
from spotted.errors import InvalidInputError, SpottedError
from spotted.heads import HeadRecipe
from spotted.similarity import unit_rows
from spotted.survey import Float32Array
from spotted.v1 import embedder_pb2, survey_pb2

MAX_CROPS = 16
# a head of this width on 1,280 elements takes 10 MiB; wider ones are no bottleneck
MAX_RANK = 1024


@dataclass(frozen=True, slots=True)
class NamedCrop:
    """A crop under its caller's id."""

    crop_id: str
    crop: ImageCrop


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a crop: its embedding, or the error that it met alone."""

    crop_id: str
    result: Embedding | SpottedError


def crops(request: embedder_pb2.EmbedRequest) -> list[NamedCrop]:
    """The crops of a unary call. Raises InvalidInputError for none, or too many."""
    wire.between(len(request.crops), 1, MAX_CROPS, "crops")
    return [named_crop(crop) for crop in request.crops]


def named_crop(message: embedder_pb2.Crop) -> NamedCrop:
    """A crop; whether its image and box can be used shows when it is prepared."""
    box: Box | None = None
    match message.WhichOneof("box"):
        case "pixels":
            box = PixelBox(*_sides(message.pixels))
        case "fractions":
            box = FractionBox(*_sides(message.fractions))
    return NamedCrop(message.crop_id, ImageCrop(message.image, box))


def embed_response(outcomes: Sequence[Outcome], embedder: ImageEmbedder) -> embedder_pb2.EmbedResponse:
    """The answer to a unary call."""
    return embedder_pb2.EmbedResponse(results=[_result(o) for o in outcomes], spec=spec(embedder))


def stream_response(outcome: Outcome, embedder: ImageEmbedder) -> embedder_pb2.EmbedStreamResponse:
    """One answer of a stream."""
    return embedder_pb2.EmbedStreamResponse(result=_result(outcome), spec=spec(embedder))


def spec(embedder: ImageEmbedder) -> survey_pb2.EmbeddingSpec:
    """How this embedder makes vectors."""
    backbone = embedder.backbone
    return survey_pb2.EmbeddingSpec(
        backbone_digest=backbone.digest,
        preprocessing_digest=backbone.preprocessing.digest,
        dimension=backbone.manifest.dimension,
    )


def base_embeddings(request: embedder_pb2.ApplyHeadRequest) -> Float32Array:
    """The unit rows to adapt. Raises InvalidInputError naming what is wrong with them."""
    return unit_rows(messages.array(request.embeddings, field="embeddings"))


def recipe(message: embedder_pb2.HeadRecipe) -> HeadRecipe:
    """A recipe; 0 stands for the default. Raises InvalidInputError for a value that cannot be used."""
    default = HeadRecipe()
    wire.between(message.rank, 0, MAX_RANK, "recipe.rank")
    wire.finite(message.learning_rate, "recipe.learning_rate", least=0.0, most=1.0)
    wire.finite(message.anchor_weight, "recipe.anchor_weight", least=0.0)
    wire.finite(message.positive_from, "recipe.positive_from", least=0.0, most=1.0)
    wire.finite(message.negative_to, "recipe.negative_to", least=0.0, most=1.0)
    chosen = HeadRecipe(
        rank=message.rank or default.rank,
        epochs=message.epochs or default.epochs,
        learning_rate=message.learning_rate or default.learning_rate,
        positive_from=message.positive_from or default.positive_from,
        negative_to=message.negative_to if message.HasField("negative_to") else default.negative_to,
        anchor_weight=message.anchor_weight if message.HasField("anchor_weight") else default.anchor_weight,
        seed=message.seed,
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
    )


def server_info(
    embedders: Sequence[ImageEmbedder], default_model_id: str, max_message_bytes: int
) -> embedder_pb2.GetServerInfoResponse:
    """Who this server is and what it takes."""
    return embedder_pb2.GetServerInfoResponse(
        server=survey_pb2.ServerInfo(version=__version__, max_message_bytes=max_message_bytes),
        default_model_id=default_model_id,
        max_crops=MAX_CROPS,
        max_image_pixels=min(e.max_pixels for e in embedders),
        models=[model(e) for e in embedders],
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
