"""Messages about local features as values of the client, and back."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from spotted import messages
from spotted.client.survey_messages import survey_info
from spotted.client.values.surveys import (
    AddedLocalFeatures,
    LocalFeatureSpec,
    LocalScores,
    RejectedDetection,
)
from spotted.scoring.local_pairs import LocalPairs
from spotted.v1 import local_features_pb2, survey_pb2

# features of one call; a message should have about 1 MiB
BLOCK_BYTES = 1 << 20
MOST_FEATURES = 1000
# encoding of rows and of numbers of marks
ROW, MARKS = np.dtype("<i4"), np.dtype("<u2")


def local_spec_message(spec: LocalFeatureSpec) -> survey_pb2.LocalFeatureSpec:
    """A spec of local features as a message."""
    return survey_pb2.LocalFeatureSpec(method=spec.method, digest=spec.digest)


def blocks(features: Mapping[str, bytes]) -> Iterator[list[local_features_pb2.DetectionLocalFeatures]]:
    """Features by detection id as messages, in blocks that fit into a call."""
    block: list[local_features_pb2.DetectionLocalFeatures] = []
    held = 0
    for detection_id, content in features.items():
        if block and (held + len(content) > BLOCK_BYTES or len(block) == MOST_FEATURES):
            yield block
            block, held = [], 0
        block.append(local_features_pb2.DetectionLocalFeatures(detection_id=detection_id, features=content))
        held += len(content)
    if block:
        yield block


def added_features(responses: Sequence[local_features_pb2.AddLocalFeaturesResponse]) -> AddedLocalFeatures:
    """The result of storing local features by several calls, of which the last has the survey."""
    return AddedLocalFeatures(
        added=sum(response.added for response in responses),
        unchanged=sum(response.unchanged for response in responses),
        rejected=tuple(
            RejectedDetection(one.detection_id, one.error.reason, one.error.message)
            for response in responses
            for one in response.rejected
        ),
        survey=survey_info(responses[-1].survey),
    )


def local_scores(responses: Sequence[local_features_pb2.GetLocalScoresResponse]) -> LocalScores:
    """The local scores of a stream."""
    first, second = (
        np.frombuffer(b"".join(getattr(one, rows) for one in responses), ROW).astype(np.int64)
        for rows in ("first_rows", "second_rows")
    )
    scores = [np.empty(0, np.float32), *(messages.vector(one.scores) for one in responses)]
    marks = np.frombuffer(b"".join(one.marks for one in responses), MARKS).astype(np.uint16)
    pairs = LocalPairs.of(first, second, np.concatenate(scores), marks)
    return LocalScores(pairs, responses[-1].revision if responses else 0)
