"""Messages about images, models and operations as values of the client, and back."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

from spotted import messages
from spotted.client.calls import MAX_SEND_BYTES
from spotted.client.survey_messages import embedding_spec, local_spec
from spotted.client.values.embedding import Crop, CropPart, Embedded, EmbedderInfo, Model, Preparation
from spotted.client.values.heat_maps import HeatMap, MatchedCells
from spotted.client.values.operations import OperationInfo, OperationState
from spotted.heads.head import HeadRecipe
from spotted.v1 import embedder_pb2, operations_pb2, survey_pb2

# crops that the embedder takes in one image
MAX_PARTS = 16
# image and masks of one message; the rest is for ids, boxes and settings
MOST_BYTES = MAX_SEND_BYTES - 64 * 1024


def by_image(crops: Iterable[Crop]) -> Iterator[Crop]:
    """The same crops in the same order, those of one image that follow each other as one crop with others."""
    joined: Crop | None = None
    for crop in crops:
        if joined is None:
            joined = crop
        elif _fits(joined, crop):
            further = CropPart(crop.crop_id, crop.box, crop.theta, crop.mask_png)
            joined = replace(joined, others=(*joined.others, further, *crop.others))
        else:
            yield joined
            joined = crop
    if joined is not None:
        yield joined


def _fits(joined: Crop, crop: Crop) -> bool:
    """Whether a crop may travel with others in one message."""
    parts: tuple[Crop | CropPart, ...] = (joined, *joined.others, crop, *crop.others)
    masks = sum(len(part.mask_png) for part in parts)
    return len(parts) <= MAX_PARTS and joined.image == crop.image and len(crop.image) + masks <= MOST_BYTES


def crop_message(crop: Crop) -> embedder_pb2.Crop:
    """A crop as a message."""
    message = embedder_pb2.Crop(image=crop.image)
    _describe(message, crop)
    for other in crop.others:
        _describe(message.others.add(), other)
    return message


def _describe(message: embedder_pb2.Crop | embedder_pb2.CropPart, part: Crop | CropPart) -> None:
    message.crop_id, message.theta = part.crop_id, part.theta
    if part.box is not None:
        x, y, width, height = part.box
        message.fractions.CopyFrom(survey_pb2.FractionBox(x=x, y=y, width=width, height=height))
    if part.mask_png:
        message.mask_png = part.mask_png


def preparation_message(preparation: Preparation | None) -> embedder_pb2.Preparation | None:
    """A preparation as a message; None stays None."""
    if preparation is None:
        return None
    return embedder_pb2.Preparation(
        tone=embedder_pb2.Tone.ValueType(preparation.tone),
        reference_digest=preparation.reference_digest,
        segmented=preparation.segmented,
        fill=preparation.fill,
        decoding=embedder_pb2.Decoding.ValueType(preparation.decoding),
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


def heat_map_request(
    first: Crop,
    second: Crop,
    *,
    model_id: str,
    survey_id: str,
    preparation: Preparation | None,
    matches: int,
) -> embedder_pb2.GetHeatMapRequest:
    """A request for the heat map of two crops."""
    return embedder_pb2.GetHeatMapRequest(
        first=crop_message(first),
        second=crop_message(second),
        model_id=model_id,
        survey_id=survey_id,
        preparation=preparation_message(preparation),
        max_matches=matches,
    )


def heat_map(message: embedder_pb2.GetHeatMapResponse) -> HeatMap:
    """A heat map from its message."""
    return HeatMap(
        similarity=message.similarity,
        first=messages.vector(message.first),
        second=messages.vector(message.second),
        matches=tuple(
            MatchedCells(one.first_x, one.first_y, one.second_x, one.second_y, one.share)
            for one in message.matches
        ),
        padded=message.padded,
        spec=embedding_spec(message.spec),
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


def individual_messages(names: Mapping[str, str]) -> list[embedder_pb2.NamedDetections]:
    """The individuals of named detections as messages. names: individual by detection id; "" has none."""
    members: defaultdict[str, list[str]] = defaultdict(list)
    for detection_id, name in names.items():
        if name:
            members[name].append(detection_id)
    return [
        embedder_pb2.NamedDetections(individual_id=name, detection_ids=ids)
        for name, ids in sorted(members.items())
    ]


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
