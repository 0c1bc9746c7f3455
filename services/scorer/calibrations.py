"""Calibrations in the store, by the digest of their content."""

from __future__ import annotations

from collections.abc import Callable

from google.protobuf.timestamp_pb2 import Timestamp

from services.common.store import keys
from services.common.store.records import get_record, put_record
from services.common.store.store import Store
from spotted.calibration.model import Calibration
from spotted.errors import NotFoundError
from spotted.v1 import store_pb2
from spotted.v1 import survey_pb2 as pb


class CalibrationStore:
    """The calibrations of a store."""

    def __init__(self, store: Store, *, now: Callable[[], Timestamp]) -> None:
        self._store = store
        self._now = now

    def put(self, calibration: Calibration, fitted_on: pb.ScoreSpec, organisation: str = "") -> None:
        """Store a calibration of an organisation, with the spec of the scores it was fitted on."""
        stored = store_pb2.StoredCalibration(
            json=calibration.to_json(), score_spec=fitted_on, create_time=self._now()
        )
        put_record(self._store, keys.calibration(organisation, calibration.digest), stored)

    def get(self, digest: str, organisation: str = "") -> tuple[Calibration, pb.ScoreSpec]:
        """A calibration, and the spec of the scores it was fitted on. Raises NotFoundError, DamagedError."""
        stored = get_record(
            self._store,
            keys.calibration(organisation, digest),
            store_pb2.StoredCalibration,
            named=f"calibration {digest!r}",
            remedy="fit the calibration again, or restore a backup of its survey",
        )
        if stored is None:
            raise NotFoundError(f"calibration {digest!r} is not in the store; fit a calibration")
        return Calibration.from_json(stored.json), stored.score_spec
