from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from google.protobuf.message import Message

from services.common.access.caller import Caller
from services.scorer.catalogue import requests
from spotted.catalogue.additions import Addition
from spotted.catalogue.facts import Member
from spotted.errors import InvalidInputError
from spotted.v1 import catalogue_pb2 as pb
from spotted.v1 import individuals_pb2
from spotted.v1.sampler_pb2 import Label

ONE = pb.CatalogueAddition(individual=individuals_pb2.Individual(detection_ids=["d"], display_name="Sita"))
ADD = pb.AddCatalogueMembersRequest(survey_id="s", additions=[ONE], annotator_id="anna")
UPDATE = pb.UpdateCatalogueEntryRequest(
    entry=pb.CatalogueEntry(entry_id="cat-a", notes="scar"), annotator_id="anna"
)
MERGE = pb.MergeCatalogueEntriesRequest(entry_id="a", merged_entry_ids=["b"], annotator_id="anna")
MATCH = pb.MatchCatalogueRequest(survey_id="s", detection_ids=["d"], top_k=5)


def decode_addition(request: pb.CatalogueAddition) -> Addition:
    return requests.addition(request, 0)


@pytest.mark.parametrize(
    ("sound", "decode", "field", "value", "named"),
    [
        (ADD, requests.check_additions, "additions", [], "additions"),
        (ADD, requests.check_additions, "additions", [ONE] * 2, "additions"),
        (ADD, requests.check_additions, "additions", [pb.CatalogueAddition()] * 1001, "additions"),
        (ADD, requests.check_additions, "source", 4, "source"),
        (ADD, requests.check_additions, "source", 9, "source"),
        (ADD, requests.check_additions, "session_id", "no session", "session_id"),
        (ADD, requests.check_additions, "survey_id", "", "survey_id"),
        (ADD, requests.check_additions, "annotator_id", "", "annotator_id"),
        (UPDATE, requests.update, "annotator_id", "no one", "annotator_id"),
        (MERGE, requests.merged, "merged_entry_ids", [], "merged_entry_ids"),
        (MERGE, requests.merged, "merged_entry_ids", [""], "merged_entry_ids[0]"),
        (MERGE, requests.merged, "merged_entry_ids", ["b"] * 101, "merged_entry_ids"),
        (MERGE, requests.merged, "entry_id", "", "entry_id"),
        (MATCH, requests.match, "top_k", 0, "top_k"),
        (MATCH, requests.match, "top_k", 101, "top_k"),
        (MATCH, requests.match, "fusion", 9, "fusion"),
        (MATCH, requests.match, "detection_ids", ["d", "d"], "detection_ids"),
        (MATCH, requests.match, "detection_ids", [str(n) for n in range(10_001)], "detection_ids"),
        (MATCH, requests.match, "encounter_ids", ["e", "e"], "encounter_ids"),
        (MATCH, requests.match, "each_encounter", True, "each_encounter"),
    ],
)
def test_a_wrong_request_names_its_field(
    sound: Message, decode: Callable[[Any], object], field: str, value: object, named: str
) -> None:
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
    assert caught.value.field == named


@pytest.mark.parametrize(
    ("paths", "values", "field"),
    [
        (["name"], {}, "update_mask"),
        ([], {"notes": ""}, "update_mask"),
        (["entry_id"], {}, "update_mask"),
        (["notes"], {"entry_id": ""}, "entry.entry_id"),
        (["display_name"], {"display_name": "ind-d07"}, "entry.display_name"),
    ],
)
def test_a_wrong_update_names_its_field(paths: list[str], values: dict[str, Any], field: str) -> None:
    request = pb.UpdateCatalogueEntryRequest()
    request.CopyFrom(UPDATE)
    for name, value in values.items():
        setattr(request.entry, name, value)
    request.update_mask.paths.extend(paths)
    with pytest.raises(InvalidInputError) as caught:
        requests.update(request)
    assert caught.value.field == field


def test_an_update_sets_what_the_mask_names_and_removes_what_is_empty() -> None:
    assert requests.update(UPDATE) == {"notes": "scar"}
    request = pb.UpdateCatalogueEntryRequest(entry=UPDATE.entry, annotator_id="anna")
    request.update_mask.paths.extend(["tags", "notes", "tags"])
    assert requests.update(request) == {"tags": None, "notes": "scar"}


def test_an_addition_has_the_attributes_that_are_set() -> None:
    found = requests.addition(ONE, 3)
    assert (list(found.detection_ids), dict(found.attributes)) == (["d"], {"display_name": "Sita"})
    with pytest.raises(InvalidInputError) as caught:
        requests.addition(pb.CatalogueAddition(), 3)
    assert caught.value.field == "additions[3].individual.detection_ids"


def test_one_query_has_at_most_a_thousand_photographs() -> None:
    ids = [str(n) for n in range(1001)]
    requests.match(pb.MatchCatalogueRequest(detection_ids=ids, top_k=1))
    with pytest.raises(InvalidInputError, match="use 1 to 1000"):
        requests.match(pb.MatchCatalogueRequest(detection_ids=ids, as_one=True, top_k=1))
    with pytest.raises(InvalidInputError, match="use 1 to 1000"):
        requests.match(pb.MatchCatalogueRequest(as_one=True, top_k=1))


def test_members_are_named_once_by_survey_and_detection() -> None:
    caller = Caller("t", "wcs")
    sent = [pb.CatalogueMember(survey_id="wcs/s", detection_id="d")]
    assert requests.members(sent, caller) == [Member("s", "d")]
    for wrong in (sent * 2, [], [pb.CatalogueMember(survey_id="wcs/s")], [pb.CatalogueMember()]):
        with pytest.raises(InvalidInputError, match="members"):
            requests.members(wrong, caller)


def test_nobody_states_nothing() -> None:
    with pytest.raises(InvalidInputError, match="annotator_id"):
        requests.check_annotator(Label())
    with pytest.raises(InvalidInputError, match="entry_id is missing"):
        requests.required("", "entry_id")
