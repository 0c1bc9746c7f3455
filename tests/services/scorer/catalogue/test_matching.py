from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from services.scorer.catalogue import matching
from services.scorer.catalogue.requests import MatchWish
from spotted.client import Spotted
from spotted.client.values import CatalogueMatch, PhotographCandidate
from spotted.errors import InvalidInputError, NotFoundError
from spotted.scoring.fusion import Fusion
from spotted.survey import Camera, Detection, Side, Survey
from tests.services.scorer.catalogue.organisation import (
    DAY_S,
    SPEC,
    STARTS_S,
    Organisation,
    animal,
    cameras,
    looks,
    photographs,
    plant,
)
from tests.services.scorer.plain import alike

ALL = 100


def catalogued(client: Spotted, survey_id: str) -> None:
    """All photographs of a survey in the catalogue, by animal; two entries have one name."""
    by_animal: dict[str, list[str]] = {}
    for number, one in enumerate(photographs(survey_id)):
        by_animal.setdefault(f"animal {number % 6}", []).append(one.detection_id)
    animals = [animal("Sita" if n < 2 else name, *ids) for n, (name, ids) in enumerate(by_animal.items())]
    added = client.catalogue().add(survey_id, animals, "anna")
    assert not [one for one in added.animals if one.reason]


def merge_surveys(client: Spotted, surveys: Sequence[str]) -> None:
    """One survey that holds several, with cameras, images and detections named by survey."""
    joined = {
        f"{s}/{c}": replace(camera, camera_id=f"{s}/{c}") for s in surveys for c, camera in cameras(s).items()
    }
    start_s = min(STARTS_S[s] for s in surveys)
    end_s = max(STARTS_S[s] for s in surveys) + 30 * DAY_S
    merged = client.create_survey(Survey("merged", start_s, end_s, cameras=joined))
    for s in surveys:
        moved = [
            replace(
                d,
                detection_id=f"{s}/{d.detection_id}",
                camera_id=f"{s}/{d.camera_id}" if d.camera_id else "",
                image_id=f"{s}/{d.image_id}" if d.image_id else "",
            )
            for d in photographs(s)
        ]
        merged.add_detections(moved, looks(s), SPEC)


def seen(candidates: Sequence[PhotographCandidate]) -> list[tuple[str, float | None, float]]:
    return [
        (f"{c.survey_id}/{c.detection_id}", c.feasibility and round(c.feasibility, 5), round(c.fused, 5))
        for c in candidates
    ]


@pytest.mark.parametrize("fusion", [Fusion.PRODUCT, Fusion.VISUAL, Fusion.LOCATION])
def test_candidates_equal_those_of_one_survey_that_holds_both(wcs: Organisation, fusion: Fusion) -> None:
    client = wcs.client()
    for survey_id in ("2024", "2025"):
        plant(client, survey_id)
    catalogued(client, "2024")
    merge_surveys(client, ("2024", "2025"))
    lists = client.survey("merged").candidates(
        detection_ids=[f"2025/{d.detection_id}" for d in photographs("2025")], top_k=ALL, fusion=fusion
    )
    found = list(client.catalogue().match("2025", top_k=ALL, fusion=fusion))
    for expected, match in zip(lists, found, strict=True):
        theirs = [
            (c.detection_id, c.feasibility and round(c.feasibility, 5), round(c.fused, 5))
            for c in expected.candidates
            if c.detection_id.startswith("2024/")
        ]
        assert match.detection_ids == (expected.detection_id.removeprefix("2025/"),)
        assert match.compared == len(theirs) == 24
        assert seen(match.photographs) == theirs
        assert [one.reason for one in match.surveys] == [""]
    known = [c.feasibility for match in found for c in match.photographs if c.feasibility is not None]
    assert 100 < len(known) < 24 * 24


def test_surveys_without_degrees_are_compared_by_looks_in_a_plain_loop(wcs: Organisation) -> None:
    client = wcs.client()
    for survey_id in ("2024", "2025", "plane"):
        plant(client, survey_id)
    for survey_id in ("2024", "plane"):
        catalogued(client, survey_id)
    for asked, other in (("plane", "2024"), ("2024", "plane")):
        for number, match in enumerate(client.catalogue().match(asked, top_k=ALL)):
            scores = {
                f"{other}/{d.detection_id}": alike(looks(asked)[number], look)
                for d, look in zip(photographs(other), looks(other), strict=True)
            }
            assert [c.feasibility for c in match.photographs] == [None] * 24
            assert [c.fused for c in match.photographs] == pytest.approx(
                sorted(scores.values(), reverse=True), abs=1e-6
            )
            for c in match.photographs:
                assert c.visual == pytest.approx(scores[f"{c.survey_id}/{c.detection_id}"], abs=1e-6)
            assert [(one.survey_id, one.members, one.missing) for one in match.surveys] == [(other, 24, 0)]
            assert "latitude and longitude" in match.surveys[0].reason
    # both kinds together: positions count exactly if both have degrees
    (match,) = client.catalogue().match("2025", detection_ids=["d06"], top_k=ALL)
    assert {one.survey_id: bool(one.reason) for one in match.surveys} == {"2024": False, "plane": True}
    assert all(c.feasibility is None for c in match.photographs if c.survey_id == "plane")


def best_of(matches: Sequence[CatalogueMatch], key: str) -> dict[str, tuple[float, str]]:
    """The best pair of each photograph or animal, by a loop over the photographs of a query."""
    best: dict[str, tuple[float, str]] = {}
    for match in matches:
        for c in match.photographs:
            name = c.entry_id if key == "entry" else f"{c.survey_id}/{c.detection_id}"
            if name not in best or c.fused > best[name][0]:
                best[name] = (c.fused, c.query_detection_id)
    return best


@pytest.mark.parametrize("k", [1, 3, ALL])
def test_an_encounter_scores_as_its_best_pair_by_photograph_and_by_animal(wcs: Organisation, k: int) -> None:
    client = wcs.client()
    for survey_id in ("2024", "2025"):
        plant(client, survey_id)
    catalogued(client, "2024")
    catalogue = client.catalogue()
    entries = {entry.entry_id: entry.display_name for entry in catalogue.entries()}
    encounters = {f"e{n}": [f"d{i:02}" for i in range(4 * n, 4 * n + 4)] for n in range(4)}
    single = {match.detection_ids[0]: match for match in catalogue.match("2025", top_k=ALL)}
    for match in catalogue.match("2025", each_encounter=True, top_k=k):
        ids = encounters.pop(match.encounter_id)
        assert sorted(match.detection_ids) == ids
        pairs = best_of([single[i] for i in ids], "photograph")
        assert [c.fused for c in match.photographs] == sorted((s for s, _ in pairs.values()), reverse=True)[
            :k
        ]
        for c in match.photographs:
            assert pairs[f"{c.survey_id}/{c.detection_id}"][0] == c.fused
        animals = best_of([single[i] for i in ids], "entry")
        assert [a.best.fused for a in match.animals] == sorted(
            (s for s, _ in animals.values()), reverse=True
        )[:k]
        for one in match.animals:
            assert animals[one.entry_id][0] == one.best.fused
            assert (one.display_name, one.best.entry_id) == (entries[one.entry_id], one.entry_id)
    assert not encounters
    (as_one,) = catalogue.match("2025", detection_ids=["d04", "d05", "d06", "d07"], as_one=True, top_k=k)
    (named,) = catalogue.match("2025", encounter_ids=["e1"], top_k=k)
    assert (as_one.animals, as_one.photographs) == (named.animals, named.photographs)


def test_no_block_of_queries_changes_a_list(wcs: Organisation, monkeypatch: pytest.MonkeyPatch) -> None:
    client = wcs.client()
    for survey_id in ("2024", "2025"):
        plant(client, survey_id)
    catalogued(client, "2024")
    whole = list(client.catalogue().match("2025", top_k=5))
    monkeypatch.setattr(matching, "BLOCK", 5)
    assert list(client.catalogue().match("2025", top_k=5)) == whole
    # an encounter larger than a block stays together
    assert len(list(client.catalogue().match("2025", each_encounter=True, top_k=5))) == 4


def test_opposite_flanks_are_left_out_on_request(wcs: Organisation) -> None:
    client = wcs.client()
    for survey_id in ("2024", "2025"):
        plant(client, survey_id)
    catalogued(client, "2024")
    sides = {d.detection_id: d.side for d in photographs("2024")}
    own = {d.detection_id: d.side for d in photographs("2025")}
    assert {Side.LEFT, Side.RIGHT} <= set(own.values())
    for match in client.catalogue().match("2025", top_k=ALL, comparable_sides_only=True):
        (query,) = match.detection_ids
        expected = [i for i, side in sides.items() if {side, own[query]} != {Side.LEFT, Side.RIGHT}]
        assert sorted(c.detection_id for c in match.photographs) == sorted(expected)
        assert match.compared == len(expected)


def test_calibrated_scores_are_those_of_looks_without_positions(wcs: Organisation) -> None:
    client = wcs.client()
    for survey_id in ("2024", "2025"):
        plant(client, survey_id)
    catalogued(client, "2024")
    (match,) = client.catalogue().match("2025", detection_ids=["d06"], fusion=Fusion.CALIBRATED)
    assert "fit a calibration" in match.fallback
    fitted = client.survey("2025").fit_calibration(use_known_individuals=True)
    assert not fitted.reason
    (match,) = client.catalogue().match("2025", detection_ids=["d06"], fusion=Fusion.CALIBRATED, top_k=ALL)
    assert (match.fallback, {c.feasibility for c in match.photographs}) == ("", {None})
    assert [one.reason for one in match.surveys] == [matching_reason()]
    # never less probable if it looks more alike, at equal sides
    sides = {d.detection_id: d.side for d in photographs("2024")}
    for side in set(sides.values()):
        ranked = [c.visual for c in match.photographs if sides[c.detection_id] is side]
        assert ranked == sorted(ranked, reverse=True)
    assert all(0.0 < c.fused < 1.0 for c in match.photographs)


def matching_reason() -> str:
    return "calibrated scores compare looks only"


def test_members_of_the_own_survey_are_no_candidates_but_name_the_query(wcs: Organisation) -> None:
    client = wcs.client()
    for survey_id in ("2024", "2025"):
        plant(client, survey_id)
    catalogue = client.catalogue()
    added = catalogue.add("2025", [animal("Gita", "d00", "d01"), animal("Mara", "d02")], "anna").animals
    (known, strange, mixed) = (
        *catalogue.match("2025", detection_ids=["d00", "d05"]),
        *catalogue.match("2025", detection_ids=["d00", "d02"], as_one=True),
    )
    assert (known.entry_id, strange.entry_id, mixed.entry_id) == (added[0].entry_id, "", "")
    assert (known.animals, known.photographs, known.compared, known.surveys) == ((), (), 0, ())


def test_what_is_asked_about_must_exist_and_not_be_too_much(wcs: Organisation) -> None:
    client = wcs.client()
    plant(client, "2024")
    catalogue = client.catalogue()
    with pytest.raises(NotFoundError, match="detection 'nobody'"):
        list(catalogue.match("2024", detection_ids=["nobody"]))
    with pytest.raises(NotFoundError, match="encounter 'none' is not in survey '2024'"):
        list(catalogue.match("2024", encounter_ids=["none"]))
    with pytest.raises(NotFoundError, match="survey 'nowhere' does not exist"):
        list(catalogue.match("nowhere"))
    survey = MatchWish((), as_one=False, encounter_ids=(), each_encounter=True, k=1,
                                fusion=Fusion.PRODUCT, comparable_sides_only=False)  # fmt: skip
    many = [Detection(f"d{n}", encounter_id="e") for n in range(1001)]
    snapshot = type("Snapshot", (), {"detections": many})()
    with pytest.raises(InvalidInputError, match="has 1001 photographs"):
        matching.queries_of(snapshot, survey)


def test_cameras_too_far_for_one_plane_are_said_to_be(wcs: Organisation) -> None:
    client = wcs.client()
    plant(client, "2024")
    far = Survey("far", 0.0, DAY_S, cameras={"f": Camera("f", latitude_deg=10.0, longitude_deg=0.0)})
    client.create_survey(far).add_detections([Detection("x", "f", 5.0)], looks("2024")[:1], SPEC)
    catalogue = client.catalogue()
    catalogue.add("far", [animal("Traveller", "x")], "anna")
    (match,) = catalogue.match("2024", detection_ids=["d00"])
    assert "more than 492 km" in match.surveys[0].reason
    assert match.photographs[0].feasibility is None
    assert math.isclose(match.photographs[0].fused, match.photographs[0].visual)
    assert np.isclose(match.photographs[0].visual, 1.0, atol=1e-3)
