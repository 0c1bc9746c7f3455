from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from spotted.batch.evidence import (
    EVIDENCE,
    Evidence,
    EvidenceJob,
    evidence_digest,
    read_evidence,
    stored_evidence,
    write_evidence,
)
from spotted.batch.places import open_place
from spotted.calibration.model import Calibration
from spotted.errors import PreconditionError
from spotted.scoring.fusion import Fusion
from spotted.scoring.local_pairs import LocalPairs
from tests.spotted.surveys import CALIBRATION

PAIRS = LocalPairs.of(
    np.array([0, 1]), np.array([2, 2]), np.array([1.5, 0.0], np.float32), np.array([9, 0], np.uint16)
)


@pytest.mark.parametrize("local", [None, LocalPairs.none(), PAIRS])
@pytest.mark.parametrize("calibration", [None, CALIBRATION])
def test_evidence_comes_back(
    tmp_path: Path, local: LocalPairs | None, calibration: Calibration | None
) -> None:
    job = EvidenceJob(str(tmp_path), "0" * 64, calibrated=calibration is not None)
    assert stored_evidence(job) is None
    write_evidence(job, Evidence(local, calibration))
    for found in (stored_evidence(job), read_evidence(job.place, evidence_digest(job.place))):
        assert found is not None
        assert found.calibration == calibration
        if local is None or found.local is None:
            assert local is found.local
            continue
        for column in ("numbers", "scores", "marks"):
            np.testing.assert_array_equal(getattr(found.local, column), getattr(local, column))


def test_evidence_that_was_replaced_is_refused(tmp_path: Path) -> None:
    job = EvidenceJob(str(tmp_path), "0" * 64)
    write_evidence(job, Evidence(PAIRS))
    digest = evidence_digest(job.place)
    write_evidence(job, Evidence())
    with pytest.raises(PreconditionError, match=f"{EVIDENCE} changed during the batch"):
        read_evidence(open_place(str(tmp_path)), digest)


def test_a_score_without_its_evidence_falls_back_to_the_product() -> None:
    assert Evidence(LocalPairs.none()).usable(Fusion.LOCAL) is Fusion.PRODUCT
    assert Evidence(PAIRS).usable(Fusion.LOCAL) is Fusion.LOCAL
    assert Evidence(PAIRS).usable(Fusion.CALIBRATED) is Fusion.PRODUCT
    assert Evidence(calibration=CALIBRATION).usable(Fusion.CALIBRATED) is Fusion.CALIBRATED
    assert Evidence().usable(Fusion.VISUAL) is Fusion.VISUAL
