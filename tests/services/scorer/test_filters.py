from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from services.common.survey.filters import Rules
from services.scorer.filters import Columns, Filter
from spotted.errors import NotFoundError
from spotted.ranking.rules import CandidateRule
from spotted.survey import Detection, Side
from tests.services.scorer.planted import START_S
from tests.services.scorer.snapshots import planted_snapshot

COUNT = 60
SNAPSHOT = planted_snapshot(COUNT)
COLUMNS = Columns(SNAPSHOT)
LATER = START_S + 500_000.0
FLANKS = {Side.LEFT, Side.RIGHT}

Excludes = Callable[[Detection, Detection], bool]
# for each rule, the settings that turn it on and a plain function of the detections it excludes
RULES: dict[CandidateRule, tuple[Rules, Excludes]] = {
    CandidateRule.SAME_IMAGE: (Rules(), lambda a, b: bool(a.image_id) and a.image_id == b.image_id),
    CandidateRule.SIDE: (Rules(comparable_sides_only=True), lambda a, b: {a.side, b.side} == FLANKS),
    CandidateRule.ENCOUNTER: (
        Rules(exclude_same_encounter=True),
        lambda a, b: bool(a.encounter_id) and a.encounter_id == b.encounter_id,
    ),
    CandidateRule.CAMERA: (
        Rules(camera_ids=frozenset({"CAM02", "CAM04"})),
        lambda _, b: b.camera_id not in {"CAM02", "CAM04"},
    ),
    CandidateRule.TIME: (
        Rules(captured_from_s=LATER, captured_before_s=LATER + 900_000.0),
        lambda _, b: b.captured_at_s is None or not LATER <= b.captured_at_s < LATER + 900_000.0,
    ),
    CandidateRule.UNKNOWN_INDIVIDUAL: (Rules(known_individuals_only=True), lambda _, b: not b.individual_id),
    CandidateRule.EXCLUDED_INDIVIDUAL: (
        Rules(exclude_individual_ids=frozenset({"leopard-1", "nobody"})),
        lambda _, b: b.individual_id == "leopard-1",
    ),
    CandidateRule.SPECIES: (
        Rules(species=frozenset({"Panthera pardus", "Lynx lynx"})),
        lambda _, b: b.species != "Panthera pardus",
    ),
}
ALL = Rules(
    comparable_sides_only=True,
    exclude_same_encounter=True,
    camera_ids=frozenset({"CAM01", "CAM02", "CAM03"}),
    captured_before_s=LATER,
    exclude_individual_ids=frozenset({"leopard-1"}),
)


def test_every_rule_of_the_contract_is_tried() -> None:
    assert set(RULES) == set(CandidateRule)


@pytest.mark.parametrize("rule", RULES)
def test_a_rule_leaves_out_whom_its_words_say_and_counts_them(rule: CandidateRule) -> None:
    rules, excludes = RULES[rule]
    sieve = Filter(rules, COLUMNS, SNAPSHOT)
    allowed = sieve.allowed()
    everyone = np.arange(COUNT)
    mask = np.ones((COUNT, COUNT), bool) if allowed is None else allowed(everyone[:, None], everyone[None, :])
    for row, query in enumerate(SNAPSHOT.detections):
        others = [b for b in SNAPSHOT.detections if b is not query]
        assert dict(sieve.excluded(query, row)).get(rule, 0) == sum(excludes(query, b) for b in others)
        if rule is not CandidateRule.SAME_IMAGE:
            expected = [not excludes(query, b) for b in SNAPSHOT.detections]
            expected[row] = bool(mask[row, row])
            assert mask[row].tolist() == expected


@pytest.mark.parametrize("rules", [Rules(), ALL], ids=["none", "several"])
def test_a_query_that_is_not_stored_is_compared_with_whom_it_would_be_once_stored(rules: Rules) -> None:
    sieve = Filter(rules, COLUMNS, SNAPSHOT)
    for row, stored in enumerate(SNAPSHOT.detections):
        query = replace(stored, detection_id="")
        expected = [
            not any(
                excludes(query, b)
                for rule, (_, excludes) in RULES.items()
                if rule in dict(sieve.excluded(query))
                and rule not in {CandidateRule.CAMERA, CandidateRule.TIME}
            )
            and (rules == Rules() or b.camera_id in rules.camera_ids)
            and (rules == Rules() or (b.captured_at_s is not None and b.captured_at_s < LATER))
            for b in SNAPSHOT.detections
        ]
        found = sieve.competes(query).tolist()
        assert found[:row] + found[row + 1 :] == expected[:row] + expected[row + 1 :]


def test_rules_that_exclude_nothing_are_not_listed() -> None:
    rules = Rules(camera_ids=frozenset(SNAPSHOT.cameras), exclude_individual_ids=frozenset({"nobody"}))
    lonely = Detection("lonely")
    excluded = dict(Filter(rules, COLUMNS, SNAPSHOT).excluded(lonely))
    assert excluded == {CandidateRule.CAMERA: sum(not d.camera_id for d in SNAPSHOT.detections)}


def test_an_unknown_camera_is_named() -> None:
    with pytest.raises(NotFoundError, match="'CAM99' of the filter is not in the survey"):
        Filter(Rules(camera_ids=frozenset({"CAM01", "CAM99"})), COLUMNS, SNAPSHOT)
