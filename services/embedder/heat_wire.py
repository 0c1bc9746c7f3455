"""Requests for heat maps to library values, and their results to responses."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from services.common.rpc import checks
from services.embedder import wire
from services.embedder.inference.calls import EmbedCall, EmbedOptions, NamedPhotograph
from services.embedder.inference.heat_maps import CellPair, PairHeat
from spotted import messages
from spotted.v1 import embedder_pb2 as pb

DEFAULT_MATCHES, MOST_MATCHES = 20, 100


def heat_map_request(
    request: pb.GetHeatMapRequest,
) -> tuple[EmbedOptions, tuple[NamedPhotograph, NamedPhotograph], int]:
    """The options, the two crops and the most matched cells. Raises InvalidInputError with the field."""
    most = checks.page_size(request.max_matches, default=DEFAULT_MATCHES, largest=MOST_MATCHES)
    for crop, field in ((request.first, "first"), (request.second, "second")):
        checks.between(len(crop.others), 0, 0, f"{field}.others")
    embedding = pb.EmbedRequest(
        crops=[request.first, request.second],
        model_id=request.model_id,
        survey_id=request.survey_id,
        preparation=request.preparation,
    )
    for crop in embedding.crops:
        # the two are known by their places
        crop.ClearField("crop_id")
    options, (first, second) = wire.embed_request(embedding)
    return replace(options, cells=True), (first, second), most


def heat_map_response(found: PairHeat, call: EmbedCall) -> pb.GetHeatMapResponse:
    """The shares of the cells of two crops."""
    return pb.GetHeatMapResponse(
        similarity=found.similarity,
        first=messages.tensor(found.first.astype(np.float32)),
        second=messages.tensor(found.second.astype(np.float32)),
        matches=[_match(one, found) for one in found.matches],
        padded=call.plan.preprocessing.aspect == "pad",
        spec=wire.call_spec(call),
    )


def _match(pair: CellPair, found: PairHeat) -> pb.MatchedCells:
    first_x, first_y = _centre(pair.first, found.first.shape)
    second_x, second_y = _centre(pair.second, found.second.shape)
    return pb.MatchedCells(
        first_x=first_x, first_y=first_y, second_x=second_x, second_y=second_y, share=pair.share
    )


def _centre(cell: tuple[int, int], shape: tuple[int, ...]) -> tuple[float, float]:
    """The centre of a cell as fractions of the width and the height of its grid."""
    return (cell[1] + 0.5) / shape[1], (cell[0] + 0.5) / shape[0]
