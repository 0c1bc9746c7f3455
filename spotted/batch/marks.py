"""Marks of a survey matched in blocks of pairs, each a file that is complete or absent.

The scores are those of the scorer, bit for bit: the normalisers are drawn from the same detections, the pairs
are those of the same lists, and the score of a pair depends on nothing else.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from spotted.arrays import IntArray
from spotted.batch.features import features_digest, open_features
from spotted.batch.files import PlacedJob, read_arrays, write_arrays
from spotted.batch.places import Place
from spotted.batch.snapshot import SNAPSHOT, manifest_digest, open_snapshot
from spotted.errors import PreconditionError
from spotted.local_features.matching.normalisers import Normalisers
from spotted.local_features.methods import MethodSpec
from spotted.matching.shortlists import (
    FeatureRows,
    MatchedBlock,
    default_candidates,
    draw_normalisers,
    join_blocks,
    match_pairs,
    pairs_to_match,
)
from spotted.ranking.ranker import Ranker
from spotted.scoring.local_pairs import LocalPairs

MARKS = "marks"
PLAN = f"{MARKS}/plan.npz"
# about half a minute of one core
BLOCK_PAIRS = 2_000


@dataclass(frozen=True, slots=True)
class MarkJob(PlacedJob):
    """The matching of one survey's marks.

    >>> MarkJob("/batch", "0" * 64, "1" * 64, candidates=50).name(3)
    'marks/000003.npz'
    """

    snapshot_digest: str
    """Digest of the snapshot."""
    features_digest: str
    """Digest of its local features."""
    candidates: int
    """Number of candidates that each detection is matched with."""
    block_pairs: int = BLOCK_PAIRS
    """Number of pairs in one block."""

    def name(self, number: int) -> str:
        """File of a block."""
        return f"{MARKS}/{number:06}.npz"


@dataclass(frozen=True, slots=True)
class MarkPlan:
    """Normalisers and pairs, settled before the first block."""

    normalisers: Normalisers
    """By which matches are judged."""
    first: IntArray
    """(m,) lower rows of the pairs, ascending."""
    second: IntArray
    """(m,) higher rows."""


def marked_by_default(place: Place) -> int:
    """The number of candidates that each detection is matched with, as `spotted match-marks` does."""
    stored = open_features(place)
    return default_candidates(int(np.count_nonzero(np.diff(stored.ends))), stored.method.matcher)


def plan_marks(job: MarkJob) -> None:
    """Draw the normalisers, list the pairs, and write both."""
    method, rows = _opened(job)
    ranker = Ranker(open_snapshot(job.place.local(SNAPSHOT)).gallery)
    first, second = pairs_to_match(rows.ready, ranker, job.candidates)
    normalisers = np.frombuffer(draw_normalisers(method, rows).to_bytes(), np.uint8)
    write_arrays(job, PLAN, normalisers=normalisers, first=first, second=second)


def read_plan(job: MarkJob) -> MarkPlan | None:
    """The plan of a matching; None if it is absent or damaged. Raises PreconditionError for another job's."""
    found = read_arrays(job, PLAN)
    if found is None:
        return None
    return MarkPlan(Normalisers.from_bytes(found["normalisers"].tobytes()), found["first"], found["second"])


def count_of(job: MarkJob, plan: MarkPlan) -> int:
    """Number of blocks of a plan."""
    return -(-len(plan.first) // job.block_pairs)


def match_block(job: MarkJob, number: int) -> None:
    """Match the pairs of a block and write their scores; runs in any process with access to the place."""
    plan, (method, rows) = _planned(job), _opened(job)
    # the matchers import OpenCV
    from spotted.local_features.matching.by_name import open_matcher  # noqa: PLC0415

    part = slice(number * job.block_pairs, (number + 1) * job.block_pairs)
    matcher = open_matcher(method, normalisers=plan.normalisers)
    found = list(match_pairs(rows, matcher, (plan.first[part], plan.second[part])))
    block = join_blocks(found) if found else _empty()
    write_arrays(
        job,
        job.name(number),
        first=block.first,
        second=block.second,
        scores=block.scores,
        marks=block.marks,
    )


def read_matches(job: MarkJob, number: int) -> MatchedBlock | None:
    """A finished block; None if it is absent or damaged. Raises PreconditionError for another job's."""
    found = read_arrays(job, job.name(number))
    if found is None:
        return None
    return MatchedBlock(found["first"], found["second"], found["scores"], found["marks"])


def unmatched(job: MarkJob) -> list[int]:
    """The numbers of the blocks that are absent or damaged, after the plan was written."""
    return [i for i in range(count_of(job, _planned(job))) if read_matches(job, i) is None]


def matched_pairs(job: MarkJob) -> LocalPairs:
    """The local scores of all blocks. Raises PreconditionError if a block is not finished."""
    blocks = [_empty()]
    for number in range(count_of(job, _planned(job))):
        block = read_matches(job, number)
        if block is None:
            raise PreconditionError(f"{job.url}/{job.name(number)} is not finished; run the command again")
        blocks.append(block)
    joined = join_blocks(blocks)
    return LocalPairs.of(joined.first, joined.second, joined.scores, joined.marks)


def _planned(job: MarkJob) -> MarkPlan:
    plan = read_plan(job)
    if plan is None:
        raise PreconditionError(f"{job.url}/{PLAN} is missing or damaged; run the command again")
    return plan


# a process that matches many blocks of one survey opens it once
@lru_cache(1)
def _opened(job: MarkJob) -> tuple[MethodSpec, FeatureRows]:
    place = job.place
    if (manifest_digest(place), features_digest(place)) != (job.snapshot_digest, job.features_digest):
        raise PreconditionError(f"{job.url} changed during the batch; run the command again")
    stored = open_features(place)
    return stored.method, stored.rows(open_snapshot(place.local(SNAPSHOT)).owners())


def _empty() -> MatchedBlock:
    rows = np.empty(0, np.int64)
    return MatchedBlock(rows, rows, np.empty(0, np.float32), np.empty(0, np.uint16))
