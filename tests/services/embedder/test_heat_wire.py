from __future__ import annotations

import pytest

from services.embedder.heat_wire import heat_map_request
from spotted.errors import InvalidInputError
from spotted.v1 import embedder_pb2 as pb

CROP = pb.Crop(crop_id="same", image=b"image", theta=0.5)


def test_the_two_crops_may_have_one_id_and_are_embedded_with_their_cells() -> None:
    request = pb.GetHeatMapRequest(first=CROP, second=CROP, model_id="m", survey_id="s")
    options, crops, most = heat_map_request(request)
    assert (options.model_id, options.survey_id, options.cells, most) == ("m", "s", True, 20)
    assert [one.photograph.content for one in crops] == [b"image"] * 2
    assert [len(one.photograph.parts) for one in crops] == [1, 1]
    assert request.first.crop_id == "same"


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"second": pb.Crop(image=b"x", others=[pb.CropPart()])}, "second.others"),
        ({"preparation": pb.Preparation(tone=9)}, "preparation.tone"),  # type: ignore[arg-type] # wrong on purpose
    ],
)
def test_a_wrong_request_is_refused_with_its_field(changed: dict[str, object], field: str) -> None:
    request = pb.GetHeatMapRequest(**{"first": CROP, "second": CROP, **changed})  # type: ignore[arg-type] # wrong values
    with pytest.raises(InvalidInputError) as refused:
        heat_map_request(request)
    assert refused.value.field == field
