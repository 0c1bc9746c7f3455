from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from spotted.batch.blocks import compute_block, job_of, unfinished
from spotted.batch.evidence import EvidenceJob, evidence_digest, stored_evidence
from spotted.batch.listing import LISTING
from spotted.batch.settling import list_candidates, listed_count, settle_evidence
from spotted.batch.snapshot import SNAPSHOT, open_snapshot
from spotted.matching.calibrating import fit_to_known
from spotted.scoring.fusion import Fusion
from tests.services.scorer.known import known_detections
from tests.spotted.batch.filed import COUNT, file_survey


def test_the_calibration_is_that_of_the_known_individuals_and_ranks_what_is_listed(tmp_path: Path) -> None:
    marks = file_survey(tmp_path)
    job = EvidenceJob(marks.url, marks.snapshot_digest, calibrated=True)
    settle_evidence(job, None)
    evidence, snapshot = stored_evidence(job), open_snapshot(job.place.local(SNAPSHOT))
    assert evidence is not None
    names = [d.individual_id for d in known_detections()]
    assert snapshot.individuals() == names
    assert evidence.calibration == fit_to_known(snapshot.gallery, names)[0]
    candidates = job_of(
        job.url,
        snapshot,
        top_k=3,
        fusion=Fusion.CALIBRATED,
        block_rows=30,
        evidence_digest=evidence_digest(job.place),
    )
    for number in unfinished(candidates):
        compute_block(candidates, number)
    assert listed_count(candidates) is None
    list_candidates(candidates)
    assert listed_count(candidates) == COUNT * 3
    (tmp_path / LISTING).unlink()
    assert listed_count(candidates) is None


def test_without_a_calibration_only_marks_are_kept(tmp_path: Path) -> None:
    marks = file_survey(tmp_path)
    job = EvidenceJob(marks.url, marks.snapshot_digest)
    settle_evidence(job, None)
    evidence = stored_evidence(job)
    assert evidence is not None
    assert evidence.calibration is None
    assert evidence.local is None
    assert stored_evidence(replace(job, url=str(tmp_path / "elsewhere"))) is None
