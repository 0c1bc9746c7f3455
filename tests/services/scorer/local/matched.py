"""A survey with local features in a real scorer, and its matchings."""

from __future__ import annotations

from services.common.process import now
from services.common.store import keys
from services.common.store.operations import Operations
from services.common.store.store import Store
from services.scorer.calibrations import CalibrationStore
from spotted.v1 import local_features_pb2 as pb
from spotted.v1 import operations_pb2, scorer_pb2, survey_pb2
from tests.services.scorer.local.features import photograph
from tests.services.scorer.planted import Scorer
from tests.spotted.surveys import CALIBRATION
from tests.waiting import until

SPEC = survey_pb2.LocalFeatureSpec(method="hotspotter", digest="a" * 64)
ANIMALS = 4


def animal_of(number: int) -> int:
    return number % ANIMALS


def add_features(
    scorer: Scorer, survey_id: str, numbers: dict[str, int], spec: survey_pb2.LocalFeatureSpec = SPEC
) -> None:
    """Features of photographs by detection id; every fourth number is of one animal."""
    features = [
        pb.DetectionLocalFeatures(detection_id=i, features=photograph(animal_of(n), n // ANIMALS).to_bytes())
        for i, n in numbers.items()
    ]
    scorer.stub.AddLocalFeatures(
        pb.AddLocalFeaturesRequest(
            survey_id=survey_id, spec=spec, features=features, replace_spec=spec != SPEC
        )
    )


def weigh_marks(scorer: Scorer, store: Store, survey_id: str) -> None:
    """Activate a calibration that weighs marks of the features of SPEC."""
    fitted_on = scorer.stub.GetSurvey(scorer_pb2.GetSurveyRequest(survey_id=survey_id)).score_spec
    CalibrationStore(store, now=now).put(
        CALIBRATION, fitted_on, keys.owner(survey_id), local_features_digest=SPEC.digest
    )
    request = scorer_pb2.ActivateCalibrationRequest(
        survey_id=survey_id, calibration_digest=CALIBRATION.digest
    )
    scorer.stub.ActivateCalibration(request)


def match(scorer: Scorer, store: Store, survey_id: str, **fields: object) -> operations_pb2.Operation:
    """The operation of a matching after its end."""
    request = pb.MatchLocalFeaturesRequest(survey_id=survey_id, **fields)  # type: ignore[arg-type] # by name
    begun = scorer.stub.MatchLocalFeatures(request).operation
    operations = Operations(store, now=store.now)

    def ended() -> operations_pb2.Operation | None:
        operation = operations.get(begun.operation_id)
        return None if operation.state == operations_pb2.OPERATION_STATE_RUNNING else operation

    ended_at = until(ended, "the matching ends")
    assert ended_at is not None
    return ended_at
