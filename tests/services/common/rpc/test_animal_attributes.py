from __future__ import annotations

from typing import Any

import pytest
from google.protobuf.timestamp_pb2 import Timestamp

from services.common.rpc.animal_attributes import check_attributes
from spotted.errors import InvalidInputError
from spotted.v1.catalogue_pb2 import CatalogueEntry
from spotted.v1.individuals_pb2 import Individual

SOUND: dict[str, Any] = {
    "display_name": "Sita",
    "sex": 1,
    "status": 2,
    "dead_since": Timestamp(seconds=5),
    "tags": ["ear"],
}


@pytest.mark.parametrize("kind", [Individual, CatalogueEntry])
def test_sound_attributes_pass(kind: type[Individual | CatalogueEntry]) -> None:
    check_attributes(kind(**SOUND), ["status", "dead_since"], "animal")


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"display_name": "ind-d07"}, "display_name"),
        ({"display_name": "cat-0123456789abcdef"}, "display_name"),
        ({"display_name": "Sita "}, "display_name"),
        ({"sex": 9}, "sex"),
        ({"status": 9}, "status"),
        ({"status": 1, "dead_since": Timestamp(seconds=5)}, "dead_since"),
        ({"dead_since": Timestamp(seconds=1 << 60)}, "dead_since"),
        ({"notes": "x" * 4097}, "notes"),
        ({"tags": ["a", "a"]}, "tags"),
    ],
)
@pytest.mark.parametrize("kind", [Individual, CatalogueEntry])
def test_a_wrong_attribute_is_named(
    kind: type[Individual | CatalogueEntry], wrong: dict[str, Any], field: str
) -> None:
    with pytest.raises(InvalidInputError) as caught:
        check_attributes(kind(**wrong), list(wrong), "animal")
    assert caught.value.field == f"animal.{field}"
