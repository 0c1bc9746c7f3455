from __future__ import annotations

import csv
from pathlib import Path

import pytest

from spotted.batch.blocks import Job, compute_block, job_of
from spotted.batch.listing import write_listing
from spotted.batch.snapshot import Snapshot, open_snapshot, take_snapshot
from spotted.client import Spotted
from spotted.errors import PreconditionError
from spotted.formats.csv_candidates import COLUMNS
from spotted.scoring.fusion import Fusion
from tests.spotted.batch.conftest import COUNT

TOP = 6
Made = tuple[Snapshot, Job]


@pytest.fixture(params=list(Fusion)[:3], ids=lambda fusion: fusion.name)
def made(spotted: Spotted, survey_id: str, tmp_path: Path, request: pytest.FixtureRequest) -> Made:
    take_snapshot(spotted.survey(survey_id), tmp_path / "snapshot")
    snapshot = open_snapshot(tmp_path / "snapshot")
    job = job_of(str(tmp_path), snapshot, top_k=TOP, fusion=request.param, block_rows=8)
    for number in range(job.count):
        compute_block(job, number)
    return snapshot, job


def test_the_rows_are_what_the_service_answers_in_numbers_and_words(
    made: Made, spotted: Spotted, survey_id: str, tmp_path: Path
) -> None:
    snapshot, job = made
    assert write_listing(snapshot, job) == COUNT * TOP
    with (tmp_path / "candidates.csv").open(newline="") as file:
        header, *rows = csv.reader(file)
    assert tuple(header) == COLUMNS
    expected = [
        [
            one.detection_id,
            str(rank),
            found.detection_id,
            f"{found.fused:.4f}",
            f"{found.visual:.4f}",
            f"{found.feasibility:.4f}" if found.feasibility is not None else "",
            # marks were not matched
            "",
            "",
            found.reason,
        ]
        for one in spotted.survey(survey_id).candidates(top_k=TOP, fusion=job.fusion)
        for rank, found in enumerate(one.candidates, start=1)
    ]
    assert rows == expected


def test_a_listing_with_a_block_missing_is_refused_and_leaves_the_old_one(made: Made, tmp_path: Path) -> None:
    snapshot, job = made
    path = tmp_path / "candidates.csv"
    path.write_text("old")
    (tmp_path / job.name(3)).unlink()
    with pytest.raises(PreconditionError, match="block 3 is not finished"):
        write_listing(snapshot, job)
    assert path.read_text() == "old"
