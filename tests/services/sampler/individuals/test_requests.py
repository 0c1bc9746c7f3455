from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp

from services.sampler.individuals import requests
from spotted.errors import InvalidInputError
from spotted.v1 import individuals_pb2 as pb


def updated(paths: list[str], annotator_id: str = "anna", **values: object) -> requests.Wish:
    one = pb.Individual(**{"individual_id": "ind-a", **values})  # type: ignore[arg-type] # any of its fields
    request = pb.UpdateIndividualRequest(
        survey_id="s", session_id="m", individual=one, annotator_id=annotator_id
    )
    request.update_mask.paths.extend(paths)
    return requests.update(request)


def test_the_mask_says_what_is_set() -> None:
    wish = updated(["notes", "tags", "notes"], notes="torn ear", display_name="Sita")
    assert wish.paths == ["notes", "tags"]
    assert wish.values == pb.Individual(notes="torn ear")
    assert updated([], display_name="Sita", position=7).paths == ["display_name"]


@pytest.mark.parametrize(
    ("paths", "values", "field"),
    [
        (["name"], {}, "update_mask"),
        ([], {}, "update_mask"),
        (["individual_id"], {}, "update_mask"),
        (["display_name"], {"display_name": " Sita"}, "individual.display_name"),
        (["display_name"], {"display_name": "x" * 257}, "individual.display_name"),
        (["display_name"], {"display_name": "Si\nta"}, "individual.display_name"),
        (["display_name"], {"display_name": "ind-d07"}, "individual.display_name"),
        (["sex"], {"sex": 9}, "individual.sex"),
        (["status"], {"status": 9}, "individual.status"),
        (["status"], {"status": 1, "dead_since": Timestamp(seconds=5)}, "individual.dead_since"),
        (["dead_since"], {"dead_since": Timestamp(seconds=1 << 60)}, "individual.dead_since"),
        (["notes"], {"notes": "x" * 4097}, "individual.notes"),
        (["tags"], {"tags": ["x"] * 2}, "individual.tags"),
        (["tags"], {"tags": [""]}, "individual.tags[0]"),
        (["tags"], {"tags": ["x" * 65]}, "individual.tags"),
        (["tags"], {"tags": [str(n) for n in range(51)]}, "individual.tags"),
        (["notes"], {"individual_id": ""}, "individual.individual_id"),
        (["notes"], {"annotator_id": "no one"}, "annotator_id"),
    ],
)
def test_a_wrong_update_names_its_field(paths: list[str], values: dict[str, object], field: str) -> None:
    with pytest.raises(InvalidInputError) as caught:
        updated(paths, **values)  # type: ignore[arg-type] # one of the values is the annotator
    assert caught.value.field == field


MERGE = pb.MergeIndividualsRequest(
    individual_id="ind-a", merged_individual_ids=["ind-b"], annotator_id="anna"
)
SPLIT = pb.SplitIndividualRequest(individual_id="ind-a", detection_ids=["d"], annotator_id="anna")
MOVE = pb.MoveDetectionsRequest(individual_id="ind-a", detection_ids=["d"], annotator_id="anna")
UNDO = pb.UndoChangeRequest(position=3, annotator_id="anna")
Decode = Callable[[Any], requests.Wish]


@pytest.mark.parametrize(
    ("sound", "decode", "field", "value"),
    [
        (MERGE, requests.merge, "merged_individual_ids", []),
        (MERGE, requests.merge, "merged_individual_ids", ["ind-x"] * 101),
        (MERGE, requests.merge, "individual_id", ""),
        (MERGE, requests.merge, "annotator_id", ""),
        (SPLIT, requests.split, "detection_ids", []),
        (SPLIT, requests.split, "detection_ids", ["d", "d"]),
        (MOVE, requests.move, "individual_id", ""),
        (MOVE, requests.move, "detection_ids", [str(n) for n in range(10_001)]),
        (UNDO, requests.undo, "position", 0),
        (UNDO, requests.undo, "annotator_id", "no one"),
    ],
)
def test_a_wrong_request_names_its_field(sound: Message, decode: Decode, field: str, value: object) -> None:
    decode(sound)
    wrong = type(sound)()
    wrong.CopyFrom(sound)
    wrong.ClearField(field)
    if isinstance(value, list):
        getattr(wrong, field).extend(value)
    else:
        setattr(wrong, field, value)
    with pytest.raises(InvalidInputError) as caught:
        decode(wrong)
    assert caught.value.field == field
