from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from services.common.access.caller import Caller
from services.common.access.guard import Guard
from services.common.access.tokens import KnownCallers
from services.common.store import keys
from services.common.store.store import Store
from services.common.survey.heads import HeadStore
from services.embedder.training.head_onnx import to_onnx
from services.scorer.__main__ import service
from services.scorer.catalogue.catalogues import CatalogueState
from services.scorer.catalogue.events import write_facts
from services.scorer.catalogue.matcher import WITHIN_ONE_SURVEY, members_by_survey
from spotted.catalogue.facts import Link, Member, Membership
from spotted.client.survey_messages import spec_message
from spotted.client.values import LocalFeatureSpec
from spotted.heads.head import Head
from spotted.scoring.fusion import Fusion
from spotted.scoring.similarity import unit_rows
from spotted.v1 import catalogue_pb2 as pb
from tests.services.journal_entries import break_entry
from tests.services.scorer.catalogue.organisation import (
    DIMENSION,
    SPEC,
    Organisation,
    animal,
    looks,
    photographs,
    plant,
)
from tests.services.scorer.local.features import photograph
from tests.services.serving import running
from tests.waiting import until


def test_members_are_those_of_the_entries_that_a_caller_sees() -> None:
    state, message = CatalogueState(), pb.CatalogueChange(change_id="1")
    write_facts(
        message,
        {
            Member("2024", "d1"): Membership("cat-a", b"1"),
            Member("2025", "d2"): Membership("cat-b", b"2"),
            Link("cat-a", "cat-b"): True,
        },
    )
    state.apply(message.SerializeToString())
    everything = members_by_survey(state, state.view(Caller()))
    assert everything == {"2024": {"d1": ("cat-a", b"1")}, "2025": {"d2": ("cat-a", b"2")}}
    narrow = Caller(surveys=("2025",))
    assert members_by_survey(state, state.view(narrow)) == {"2025": {"d2": ("cat-b", b"2")}}


def test_members_are_compared_through_the_head_of_the_photographs(wcs: Organisation, store: Store) -> None:
    client = wcs.client()
    for survey_id in ("2024", "2025"):
        plant(client, survey_id)
    client.catalogue().add("2024", [animal("all", *(d.detection_id for d in photographs("2024")))], "anna")
    rng = np.random.default_rng(3)
    w1, w2 = (rng.normal(size=shape).astype(np.float32) for shape in ((3, DIMENSION), (DIMENSION, 3)))
    head = Head(w1, np.zeros(3, np.float32), w2, np.zeros(DIMENSION, np.float32))
    digest = HeadStore(store).put(
        to_onnx(head, unit_rows(looks("2024")[:4])),
        spec_message(SPEC),
        survey_id=f"{wcs.name}/2025",
        recipe_json="{}",
        metrics={},
        created_s=0.0,
    )
    client.survey("2025").activate_head(digest)
    (match,) = client.catalogue().match("2025", detection_ids=["d03"], fusion=Fusion.VISUAL, top_k=100)
    mine, theirs = (head.apply(unit_rows(looks(s))) for s in ("2025", "2024"))
    expected = np.clip(theirs @ mine[3], 0.0, 1.0)
    assert len(match.photographs) == 24
    for c in match.photographs:
        assert c.visual == pytest.approx(expected[int(c.detection_id[1:])], abs=2e-3)


def test_a_damaged_survey_is_named_and_the_others_compete(wcs: Organisation, store: Store) -> None:
    client = wcs.client()
    for survey_id in ("2024", "2025", "plane"):
        plant(client, survey_id)
        client.catalogue().add(survey_id, [animal("Sita", "d00")], "anna")
    break_entry(store, keys.survey_journal(f"{wcs.name}/plane"), 1, "a bit is flipped")
    # a replica that has not read it yet
    with running(service(store), guard=Guard(KnownCallers(wcs.tokens))) as address:
        elsewhere = replace(wcs, address=address).client()
        (match,) = elsewhere.catalogue().match("2025", detection_ids=["d01"])
    assert [(one.survey_id, one.members) for one in match.surveys] == [("2024", 1), ("plane", 0)]
    assert "survey 'plane' is damaged at event 2" in match.surveys[1].reason


def test_marks_of_a_survey_are_not_taken_for_those_of_its_photographs_with_members(
    wcs: Organisation,
) -> None:
    client = wcs.client()
    for survey_id in ("2024", "2025"):
        plant(client, survey_id)
    client.catalogue().add("2024", [animal("all", *(d.detection_id for d in photographs("2024")))], "anna")
    asked = client.survey("2025")
    # every photograph shows one animal, by its marks
    features = {d.detection_id: photograph(0, n).to_bytes() for n, d in enumerate(photographs("2025"))}
    asked.add_local_features(features, LocalFeatureSpec("hotspotter", "a" * 64))
    asked.match_local_features()
    assert until(lambda: len(asked.local_scores().pairs) > 0, "marks are matched")
    both = (Fusion.LOCAL, Fusion.PRODUCT)
    by_marks, by_product = (list(client.catalogue().match("2025", fusion=one)) for one in both)
    assert [one.photographs for one in by_marks] == [one.photographs for one in by_product]
    assert {one.fallback for one in by_marks} == {WITHIN_ONE_SURVEY}
    assert {one.fallback for one in by_product} == {""}
