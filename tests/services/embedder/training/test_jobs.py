from __future__ import annotations

import pytest

from services.embedder.training.jobs import Job, NamedHead, job_json, read_job
from spotted.heads.head import PAPER, HeadRecipe


@pytest.mark.parametrize(
    "job", [HeadRecipe(rank=3, seed=9), PAPER, NamedHead({"d1": "Ü"}), NamedHead({}, True)]
)
def test_a_job_travels_as_json(job: Job) -> None:
    assert read_job(job_json(job)) == job
