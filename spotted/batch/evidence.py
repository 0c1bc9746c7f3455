"""Matched marks and the calibration, on which scores depend beside a snapshot."""

from __future__ import annotations

import hashlib
import io
from dataclasses import dataclass

import numpy as np

from spotted.batch.files import Arrays, PlacedJob, read_arrays, write_arrays
from spotted.batch.places import Place
from spotted.calibration.model import Calibration
from spotted.errors import PreconditionError
from spotted.scoring.fusion import Fusion
from spotted.scoring.local_pairs import LocalPairs

EVIDENCE = "evidence.npz"


@dataclass(frozen=True, slots=True)
class Evidence:
    """Matched marks and a calibration, as far as there are any.

    >>> Evidence().usable(Fusion.CALIBRATED).name
    'PRODUCT'
    """

    local: LocalPairs | None = None
    """Local scores of matched pairs."""
    calibration: Calibration | None = None
    """Required by CALIBRATED."""

    def usable(self, requested: Fusion) -> Fusion:
        """The requested score, or the product if it lacks what it is made from, as in the scorer."""
        lacking = {Fusion.LOCAL: not self.local, Fusion.CALIBRATED: self.calibration is None}
        return Fusion.PRODUCT if lacking.get(requested) else requested


@dataclass(frozen=True, slots=True)
class EvidenceJob(PlacedJob):
    """The evidence beside one snapshot.

    >>> EvidenceJob("/batch", "0" * 64, calibrated=True).digest == EvidenceJob("/batch", "0" * 64).digest
    False
    """

    snapshot_digest: str
    """Digest of the snapshot."""
    marks_digest: str = ""
    """Digest of the matching of its marks; "" for none."""
    calibrated: bool = False
    """Whether it has a calibration."""


def write_evidence(job: EvidenceJob, evidence: Evidence) -> None:
    """Write the evidence beside a snapshot."""
    pairs, calibration = evidence.local or LocalPairs.none(), evidence.calibration
    write_arrays(
        job,
        EVIDENCE,
        numbers=pairs.numbers,
        scores=pairs.scores,
        marks=pairs.marks,
        matched=np.array(evidence.local is not None),
        calibration=np.array(calibration.to_json() if calibration else ""),
    )


def stored_evidence(job: EvidenceJob) -> Evidence | None:
    """The evidence of a job; None if it is absent or damaged. Raises PreconditionError for another job's."""
    found = read_arrays(job, EVIDENCE)
    return None if found is None else _evidence(found)


def evidence_digest(place: Place) -> str:
    """The digest of the evidence in a place."""
    return hashlib.sha256(place.read(EVIDENCE)).hexdigest()


def read_evidence(place: Place, digest: str) -> Evidence:
    """The evidence of a digest. Raises PreconditionError if it was replaced."""
    content = place.read(EVIDENCE)
    if hashlib.sha256(content).hexdigest() != digest:
        raise PreconditionError(f"{place.url}/{EVIDENCE} changed during the batch; run the command again")
    with np.load(io.BytesIO(content)) as file:
        return _evidence({name: file[name] for name in file.files})


def _evidence(found: Arrays) -> Evidence:
    text = str(found["calibration"])
    pairs = LocalPairs(found["numbers"], found["scores"], found["marks"])
    return Evidence(pairs if found["matched"] else None, Calibration.from_json(text) if text else None)
