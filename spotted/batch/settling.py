"""The evidence of a survey of files: its matched marks, and a calibration fitted to known individuals."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from spotted.batch.blocks import Job
from spotted.batch.evidence import Evidence, EvidenceJob, write_evidence
from spotted.batch.files import read_arrays, write_arrays
from spotted.batch.listing import LISTING, write_listing
from spotted.batch.marks import MarkJob, matched_pairs
from spotted.batch.snapshot import SNAPSHOT, open_snapshot

LISTED = "blocks/listed.npz"


def settle_evidence(job: EvidenceJob, marks: MarkJob | None) -> None:
    """Put the blocks of matched marks together, calibrate by the known individuals, and write both."""
    local = matched_pairs(marks) if marks else None
    if not job.calibrated:
        write_evidence(job, Evidence(local))
        return
    # fitting needs scipy.optimize, which is slow to import
    from spotted.matching.calibrating import fit_to_known  # noqa: PLC0415

    snapshot = open_snapshot(job.place.local(SNAPSHOT))
    calibration, _ = fit_to_known(replace(snapshot.gallery, local=local), snapshot.individuals())
    write_evidence(job, Evidence(local, calibration))


def list_candidates(job: Job) -> None:
    """Write the candidates of all blocks as CSV, and note that it was done."""
    count = write_listing(open_snapshot(job.place.local(SNAPSHOT)), job)
    write_arrays(job, LISTED, count=np.array(count))


def listed_count(job: Job) -> int | None:
    """Number of rows of the CSV; None if it was not written by this job. Raises PreconditionError."""
    found = read_arrays(job, LISTED) if job.place.exists(LISTING) else None
    return None if found is None else int(found["count"])
