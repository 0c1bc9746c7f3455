"""The local scores of a survey as messages near 1 MiB."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from services.common.rpc import checks
from services.scorer.scored_surveys import ScoredSurvey
from spotted import messages
from spotted.scoring.local_pairs import LOW_BITS, ROW_BITS, LocalPairs
from spotted.v1 import local_features_pb2 as pb

# two rows and a score of 4 bytes each, and 2 bytes for the number of marks
PAIR_BYTES = 14
ROW, MARKS = np.dtype("<i4"), np.dtype("<u2")


def local_score_responses(scored: ScoredSurvey) -> Iterator[pb.GetLocalScoresResponse]:
    """The pairs of a survey that were matched, in the order of their rows; at least one message."""
    pairs, revision = scored.gallery.local, scored.snapshot.survey.revision
    if pairs is None:
        yield _response(LocalPairs.none(), slice(None), revision)
        return
    step = checks.PAGE_BYTES // PAIR_BYTES
    for start in range(0, max(len(pairs), 1), step):
        yield _response(pairs, slice(start, start + step), revision)


def _response(pairs: LocalPairs, part: slice, revision: int) -> pb.GetLocalScoresResponse:
    numbers = pairs.numbers[part]
    return pb.GetLocalScoresResponse(
        first_rows=(numbers >> ROW_BITS).astype(ROW).tobytes(),
        second_rows=(numbers & LOW_BITS).astype(ROW).tobytes(),
        scores=messages.tensor(pairs.scores[part]),
        marks=pairs.marks[part].astype(MARKS).tobytes(),
        revision=revision,
    )
