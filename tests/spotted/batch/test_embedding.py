from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from spotted.batch.embedding import (
    FAILED,
    EmbeddedPicture,
    EmbedJob,
    assemble,
    assembled_counts,
    is_assembled,
    pictures_of,
    read_block,
    unembedded,
    write_block,
)
from spotted.batch.features import open_features
from spotted.batch.snapshot import SNAPSHOT, open_snapshot
from spotted.batch.survey_files import ReadJob, read_back, read_survey
from spotted.client.values import EmbeddingSpec, LocalFeatureSpec
from spotted.errors import PreconditionError
from spotted.scoring.similarity import unit_rows
from tests.services.scorer.local.features import photograph
from tests.spotted.coat_surveys import write_coat_survey

pytest.importorskip("cv2", reason="the extra `local` is not installed")
SPEC, LOCAL = EmbeddingSpec("b" * 64, "c" * 64, 4), LocalFeatureSpec("hotspotter", "a" * 64)


@pytest.fixture
def read(tmp_path: Path) -> ReadJob:
    write_coat_survey(tmp_path / "ridge", 2, 0)
    job = ReadJob(str(tmp_path / "results"), str(tmp_path / "ridge"), "ridge", timezone="UTC")
    read_survey(job)
    return job


@pytest.fixture
def job(read: ReadJob) -> EmbedJob:
    filed = read_back(read)
    count = len(filed.pictures)
    return EmbedJob(read.url, read.source, filed.digest, count, SPEC, LOCAL, "/models", "lite0", block=3)


def embedded(count: int, *failed: int) -> Sequence[EmbeddedPicture]:
    vectors = np.random.default_rng(0).normal(size=(count, 4)).astype(np.float32)
    return [
        EmbeddedPicture(error="x.png cannot be read")
        if row in failed
        else EmbeddedPicture(vectors[row], photograph(row, 0).to_bytes())
        for row in range(count)
    ]


def test_blocks_come_back_and_those_of_other_work_are_refused(job: EmbedJob) -> None:
    assert (job.count, unembedded(job)) == (3, [0, 1, 2])
    made = embedded(3, 1)
    write_block(job, 1, made)
    assert unembedded(job) == [0, 2]
    found = read_block(job, 1)
    assert found is not None
    for one, other in zip(found, made, strict=True):
        assert (one.features, one.error) == (other.features, other.error)
        assert (one.vector is None) == (other.vector is None)
        assert one.vector is None or other.vector is None or np.array_equal(one.vector, other.vector)
    with pytest.raises(PreconditionError, match="--fresh"):
        read_block(replace(job, model_id="other"), 1)
    assert read_block(replace(job, models="/elsewhere"), 1) is not None


def test_blocks_put_together_are_a_snapshot_without_what_failed(job: EmbedJob, read: ReadJob) -> None:
    filed, made = read_back(read), embedded(7, 2, 6)
    with pytest.raises(PreconditionError, match=r"000000\.npz is not finished"):
        assemble(job, read)
    for number in range(job.count):
        count = len(pictures_of(job, filed, number))
        write_block(job, number, made[number * 3 : number * 3 + count])
    assert not is_assembled(job)
    assemble(job, read)
    assert is_assembled(job)
    assert assembled_counts(job) == (5, 2)
    snapshot = open_snapshot(Path(job.url) / SNAPSHOT)
    kept = [row for row in range(7) if not made[row].error]
    assert snapshot.detection_ids() == [filed.pictures[row].detection.detection_id for row in kept]
    vectors = np.stack([v for row in kept if (v := made[row].vector) is not None])
    np.testing.assert_array_equal(snapshot.gallery.embeddings, unit_rows(vectors).astype(np.float16))
    assert snapshot.stored.embedding == SPEC
    rows = open_features(job.place).rows(snapshot.owners())
    assert [f.to_bytes() for i in range(5) if (f := rows.features(i))] == [made[i].features for i in kept]
    failed = json.loads(job.place.read(FAILED))
    assert [one["detection_id"] for one in failed] == [
        filed.pictures[row].detection.detection_id for row in (2, 6)
    ]


def test_a_survey_without_a_usable_photograph_or_read_again_is_refused(job: EmbedJob, read: ReadJob) -> None:
    for number in range(job.count):
        write_block(job, number, embedded(3 if number < 2 else 1, 0, 1, 2))
    with pytest.raises(PreconditionError, match=r"none of the 7 photographs .* could be used, e\.g\. x\.png"):
        assemble(job, read)
    with pytest.raises(PreconditionError, match="changed during the batch"):
        pictures_of(replace(job, survey_digest="0"), read_back(read), 0)
