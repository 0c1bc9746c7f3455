from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from spotted.batch import files
from spotted.batch.blocks import BLOCKS, Job, compute_block, job_of, read_block, unfinished
from spotted.batch.snapshot import MANIFEST, SNAPSHOT, open_snapshot, take_snapshot
from spotted.client import Spotted
from spotted.errors import PreconditionError
from spotted.ranking.ranker import Ranker
from spotted.scoring.fusion import Fusion
from tests.spotted.batch.conftest import COUNT

ROWS = 7


@pytest.fixture
def job(spotted: Spotted, survey_id: str, tmp_path: Path) -> Job:
    take_snapshot(spotted.survey(survey_id), tmp_path / "snapshot")
    snapshot = open_snapshot(tmp_path / "snapshot")
    return job_of(str(tmp_path), snapshot, top_k=4, fusion=Fusion.PRODUCT, block_rows=ROWS)


def path_of(job: Job, number: int) -> Path:
    return Path(job.url) / job.name(number)


def test_blocks_hold_the_lists_of_one_search_bit_for_bit(job: Job) -> None:
    assert job.count == 7
    assert unfinished(job) == list(range(7))
    for number in range(job.count):
        compute_block(job, number)
    assert unfinished(job) == []
    expected = list(Ranker(open_snapshot(Path(job.url) / SNAPSHOT).gallery).top_k(np.arange(COUNT), 4))
    found = []
    for number in range(job.count):
        block = read_block(job, number)
        assert block is not None
        ends = np.cumsum(block.counts)[:-1]
        scores = (block.scores.visual, block.scores.feasibility, block.scores.fused)
        parts = [np.split(column, ends) for column in (block.rows, *scores)]
        found += list(zip(block.queries.tolist(), block.compared.tolist(), *parts, strict=True))
        np.testing.assert_array_equal(block.query_of_each(), np.repeat(block.queries, block.counts))
    for (query, compared, rows, visual, feasibility, fused), ranked in zip(found, expected, strict=True):
        assert (query, compared) == (ranked.query, ranked.compared)
        np.testing.assert_array_equal(rows, ranked.rows)
        np.testing.assert_array_equal(visual, ranked.scores.visual)
        np.testing.assert_array_equal(feasibility, ranked.scores.feasibility)
        np.testing.assert_array_equal(fused, ranked.scores.fused)


@pytest.mark.parametrize("kept", [0, 1, 100, -1])
def test_a_block_that_was_cut_off_is_not_finished(job: Job, kept: int) -> None:
    compute_block(job, 2)
    whole = path_of(job, 2).read_bytes()
    path_of(job, 2).write_bytes(whole[:kept])
    assert read_block(job, 2) is None
    compute_block(job, 2)
    assert path_of(job, 2).read_bytes() == whole


def test_a_changed_byte_is_noticed(job: Job) -> None:
    compute_block(job, 0)
    content = bytearray(path_of(job, 0).read_bytes())
    block = read_block(job, 0)
    assert block is not None
    place = content.index(block.scores.fused.tobytes())
    content[place] ^= 1
    path_of(job, 0).write_bytes(content)
    assert read_block(job, 0) is None


@pytest.mark.parametrize(
    "change", [{"top_k": 5}, {"fusion": Fusion.VISUAL}, {"block_rows": 8}, {"snapshot_digest": "0"}]
)
def test_a_block_of_another_question_is_refused(job: Job, change: dict[str, object]) -> None:
    compute_block(job, 0)
    with pytest.raises(PreconditionError, match="--fresh"):
        unfinished(replace(job, **change))  # type: ignore[arg-type] # fields by name


def test_a_block_of_another_version_is_refused(job: Job, monkeypatch: pytest.MonkeyPatch) -> None:
    compute_block(job, 0)
    monkeypatch.setattr(files, "__version__", "9.9.9")
    with pytest.raises(PreconditionError, match="another version"):
        read_block(job, 0)


def test_the_place_of_a_batch_is_no_part_of_its_digest(job: Job) -> None:
    assert replace(job, url="/elsewhere").digest == job.digest


def test_a_snapshot_that_changed_under_the_batch_is_refused(job: Job) -> None:
    manifest = Path(job.url) / SNAPSHOT / MANIFEST
    manifest.write_text(manifest.read_text() + " ")
    with pytest.raises(PreconditionError, match="changed during the batch"):
        compute_block(job, 0)
    assert unfinished(job)[0] == 0


def test_what_a_broken_try_left_is_swept_away(job: Job) -> None:
    compute_block(job, 3)
    path_of(job, 3).with_name("000004.0.partial").write_bytes(b"half")
    job.place.sweep(BLOCKS)
    assert [path.name for path in (Path(job.url) / BLOCKS).iterdir()] == ["000003.npz"]


def test_nothing_is_left_beside_the_blocks(job: Job) -> None:
    compute_block(job, 3)
    assert [path.name for path in (Path(job.url) / BLOCKS).iterdir()] == ["000003.npz"]
