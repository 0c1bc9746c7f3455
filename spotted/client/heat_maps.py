"""Heat maps: the request and its answer as messages, and back."""

from __future__ import annotations

from spotted import messages
from spotted.client.embedding_messages import crop_message, preparation_message
from spotted.client.survey_messages import embedding_spec
from spotted.client.values.embedding import Crop, Preparation
from spotted.client.values.heat_maps import HeatMap, MatchedCells
from spotted.v1 import embedder_pb2


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
