from __future__ import annotations

from dataclasses import replace

import pytest
from google.protobuf.timestamp_pb2 import Timestamp

from services.common.store import keys
from services.common.store.records import get_record
from services.common.store.store import Store
from services.scorer.calibrations import CalibrationStore
from spotted.calibration.evidence import LOOKS, TERMS
from spotted.calibration.kinds import CalibrationKind
from spotted.calibration.model import Calibration
from spotted.errors import DamagedError, NotFoundError
from spotted.v1 import store_pb2, survey_pb2
from tests.services.journal_entries import break_value

FITTED = Calibration(
    kind=CalibrationKind.EVIDENCE,
    # a third and a tenth have no exact float
    placed=(-1 / 3, *(0.1 * number for number in range(len(TERMS)))),
    unplaced=(-2.5, *(0.2 * number for number in range(len(LOOKS)))),
    scale=(1.0,) * len(TERMS),
    same_pairs=72,
    different_pairs=1056,
    individuals=12,
    share=0.06,
    held_out_ece=0.01,
)
SPEC = survey_pb2.ScoreSpec(
    head_digest="a" * 64, feasibility_digest="f" * 64, fusion=survey_pb2.FUSION_PRODUCT
)


def at(seconds: int) -> Timestamp:
    return Timestamp(seconds=seconds)


def test_what_was_put_comes_back_to_the_last_bit(store: Store) -> None:
    CalibrationStore(store, now=lambda: at(7)).put(FITTED, SPEC)
    assert CalibrationStore(store, now=lambda: at(8)).get(FITTED.digest) == (FITTED, SPEC, "")


def test_the_local_features_are_kept_of_a_calibration_that_counts_their_marks(store: Store) -> None:
    calibrations = CalibrationStore(store, now=lambda: at(7))
    blind = replace(FITTED, uses_marks=False)
    for one in (FITTED, blind):
        calibrations.put(one, SPEC, local_features_digest="b" * 64)
    assert calibrations.get(FITTED.digest).local_features_digest == "b" * 64
    assert calibrations.get(blind.digest).local_features_digest == ""


def test_it_is_stored_with_its_time(store: Store) -> None:
    CalibrationStore(store, now=lambda: at(7)).put(FITTED, SPEC)
    key = keys.calibration("", FITTED.digest)
    stored = get_record(store, key, store_pb2.StoredCalibration, named="it", remedy="")
    assert stored is not None
    assert stored.create_time == at(7)
    break_value(store, key)
    with pytest.raises(DamagedError, match=r"calibration '.*' is damaged in the store; fit the calibration"):
        CalibrationStore(store, now=lambda: at(8)).get(FITTED.digest)


def test_two_calibrations_lie_side_by_side(store: Store) -> None:
    calibrations = CalibrationStore(store, now=lambda: at(7))
    other = replace(FITTED, share=0.07)
    for one in (FITTED, other):
        calibrations.put(one, SPEC)
    assert calibrations.get(FITTED.digest)[0] == FITTED
    assert calibrations.get(other.digest)[0] == other


def test_one_that_was_never_fitted_is_named_with_the_remedy(store: Store) -> None:
    with pytest.raises(NotFoundError, match=r"'0{64}' is not in the store; fit a calibration"):
        CalibrationStore(store, now=lambda: at(7)).get("0" * 64)
