"""Calibrations in the store, by the digest of their content."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from google.protobuf.timestamp_pb2 import Timestamp

from services.common.store import keys
from services.common.store.records import get_record, put_record
from services.common.store.store import Store
from spotted.calibration.model import Calibration
from spotted.errors import NotFoundError
from spotted.v1 import store_pb2
from spotted.v1 import survey_pb2 as pb


class StoredFit(NamedTuple):
    """A calibration, and what it was fitted on."""

    calibration: Calibration
    score_spec: pb.ScoreSpec
    local_features_digest: str
    """Digest of the features whose marks it weighs; empty if it weighs none."""


class CalibrationStore:
    """The calibrations of a store."""

    def __init__(self, store: Store, *, now: Callable[[], Timestamp]) -> None:
        self._store = store
        self._now = now

    def put(
        self,
        calibration: Calibration,
        fitted_on: pb.ScoreSpec,
        organisation: str = "",
        *,
        local_features_digest: str = "",
    ) -> None:
        """Store a calibration of an organisation, with the spec of the scores it was fitted on.

        local_features_digest: of the survey's local features.
        """
        stored = store_pb2.StoredCalibration(
            json=calibration.to_json(),
            score_spec=fitted_on,
            create_time=self._now(),
            local_features_digest=local_features_digest if calibration.uses_marks else "",
        )
        put_record(self._store, keys.calibration(organisation, calibration.digest), stored)

    def get(self, digest: str, organisation: str = "") -> StoredFit:
        """A calibration, and what it was fitted on. Raises NotFoundError, DamagedError."""
        stored = get_record(
            self._store,
            keys.calibration(organisation, digest),
            store_pb2.StoredCalibration,
            named=f"calibration {digest!r}",
            remedy="fit the calibration again, or restore a backup of its survey",
        )
        if stored is None:
            raise NotFoundError(f"calibration {digest!r} is not in the store; fit a calibration")
        fitted = Calibration.from_json(stored.json)
        return StoredFit(fitted, stored.score_spec, stored.local_features_digest)
