"""Messages about images, models and operations as values of the client, and back."""

from __future__ import annotations

from spotted import messages
from spotted.client.survey_messages import embedding_spec, local_spec
from spotted.client.values.embedding import Crop, Embedded, EmbedderInfo, Model, Preparation
from spotted.client.values.operations import OperationInfo, OperationState
from spotted.heads.head import HeadRecipe
from spotted.v1 import embedder_pb2, operations_pb2, survey_pb2


def crop_message(crop: Crop) -> embedder_pb2.Crop:
    """A crop as a message."""
    fractions = None
    if crop.box is not None:
        x, y, width, height = crop.box
        fractions = survey_pb2.FractionBox(x=x, y=y, width=width, height=height)
    message = embedder_pb2.Crop(crop_id=crop.crop_id, image=crop.image, fractions=fractions, theta=crop.theta)
    if crop.mask_png:
        message.mask_png = crop.mask_png
    return message


def preparation_message(preparation: Preparation | None) -> embedder_pb2.Preparation | None:
    """A preparation as a message; None stays None."""
    if preparation is None:
        return None
    return embedder_pb2.Preparation(
        tone=embedder_pb2.Tone.ValueType(preparation.tone),
        reference_digest=preparation.reference_digest,
        segmented=preparation.segmented,
        fill=preparation.fill,
    )


def embedded(
    message: embedder_pb2.EmbedResult, answer: embedder_pb2.EmbedResponse | embedder_pb2.EmbedStreamResponse
) -> Embedded:
    """The vector of one crop, or why it has none. answer: the response that holds it."""
    has_vector = message.WhichOneof("outcome") == "embedding"
    vector = messages.vector(message.embedding) if has_vector else None
    return Embedded(
        message.crop_id,
        vector,
        message.error.message,
        embedding_spec(answer.spec),
        message.local_features,
        local_spec(answer.local_spec) if answer.HasField("local_spec") else None,
    )


def model(message: embedder_pb2.Model) -> Model:
    """A loaded backbone from its message."""
    return Model(
        model_id=message.model_id,
        version=message.version,
        spec=embedding_spec(message.spec),
        input_size=message.input_size,
        licence=message.licence,
        source=message.source,
        device=message.device,
        precision=message.precision,
        least_cosine=message.least_cosine or None,
    )


def embedder_info(message: embedder_pb2.GetServerInfoResponse) -> EmbedderInfo:
    """The embedder's version, limits and models."""
    return EmbedderInfo(
        version=message.server.version,
        max_message_bytes=message.server.max_message_bytes,
        default_model_id=message.default_model_id,
        max_crops=message.max_crops,
        max_image_pixels=message.max_image_pixels,
        models=tuple(model(one) for one in message.models),
        max_queue_crops=message.max_queue_crops,
        max_queue_bytes=message.max_queue_bytes,
        segmenter_digest=message.segmenter_digest,
        local_methods=tuple(message.local_methods),
    )


def recipe_message(recipe: HeadRecipe) -> embedder_pb2.HeadRecipe:
    """A recipe for a head as a message; batch sizes are the embedder's own and do not travel."""
    return embedder_pb2.HeadRecipe(
        rank=recipe.rank,
        epochs=recipe.epochs,
        learning_rate=recipe.learning_rate,
        positive_from=recipe.positive_from,
        negative_to=recipe.negative_to,
        anchor_weight=recipe.anchor_weight,
        seed=recipe.seed,
        positive_weight=recipe.positive_weight,
        negative_weight=recipe.negative_weight,
        level_negatives=recipe.level_negatives,
    )


def operation_info(message: operations_pb2.Operation) -> OperationInfo:
    """An operation from its message."""
    return OperationInfo(
        operation_id=message.operation_id,
        state=OperationState(message.state),
        progress=message.progress,
        message=message.message,
        result=message.result,
        metrics=dict(message.metrics),
        started_at_s=messages.optional_seconds(message, "start_time"),
        updated_at_s=messages.optional_seconds(message, "update_time"),
    )
