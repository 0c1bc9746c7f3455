"""Answers as the journal stores them: with ids and times."""

from __future__ import annotations

from google.protobuf.timestamp_pb2 import Timestamp

from services.sampler.session.state import SessionState
from spotted.v1 import sampler_pb2 as pb


def stored_labels(
    given: pb.LabelsGiven, state: SessionState, position: int, now: Timestamp
) -> pb.LabelsGiven:
    """The answers to store after `position` events.

    Raises NotInSessionError for a detection that the session does not know.
    """
    stored = pb.LabelsGiven()
    stored.CopyFrom(given)
    for number, label in enumerate(stored.labels, start=1):
        state.pair(label)
        label.label_id = f"{position + 1}-{number}"
        label.create_time.CopyFrom(now)
    for burst in stored.mixed_bursts:
        state.require(burst.detection_ids)
    return stored
