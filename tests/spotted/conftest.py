"""A small survey whose scores tell individuals apart only in part."""

from __future__ import annotations

import numpy as np
import pytest

from spotted.arrays import IntArray
from spotted.sampling.candidate_graph import CandidateGraph, from_candidates
from spotted.survey import DetectionTable


@pytest.fixture(scope="session")
def truth() -> IntArray:
    """The individual of each of 60 items."""
    return np.random.default_rng(0).integers(0, 15, 60).astype(np.int64)


@pytest.fixture(scope="session")
def graph(truth: IntArray) -> CandidateGraph:
    """All pairs of 60 noisy embeddings, with feasibility unknown for some, each individual around a place."""
    rng = np.random.default_rng(1)
    looks = rng.normal(size=(15, 16))[truth] + 0.9 * rng.normal(size=(60, 16))
    embeddings = (looks / np.linalg.norm(looks, axis=1, keepdims=True)).astype(np.float32)
    first, second = (side.astype(np.int64) for side in np.triu_indices(60, 1))
    visual = np.maximum(0.0, (embeddings[first] * embeddings[second]).sum(axis=1))
    feasibility = np.where(truth[first] == truth[second], 1.0, rng.random(len(first)))
    feasibility[::7] = np.nan
    fused = np.where(np.isnan(feasibility), visual, visual * feasibility)
    table = DetectionTable(
        position_m=rng.normal(0, 5_000, (15, 2))[truth] + rng.normal(0, 1_000, (60, 2)),
        time_s=rng.uniform(0, 1e6, 60),
        image=np.full(60, -1),
        side=rng.integers(1, 3, 60),
        location_uncertainty_m=np.zeros(60),
        clock_suspect=np.zeros(60, dtype=np.bool_),
    )
    scores = {"visual": visual, "feasibility": feasibility, "fused": fused}
    return from_candidates(60, first, second, **scores, embeddings=embeddings, table=table)
