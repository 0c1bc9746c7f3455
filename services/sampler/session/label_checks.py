"""Answers as the journal stores them, with ids and times, and those that may be retracted."""

from __future__ import annotations

from collections.abc import Sequence

from google.protobuf.timestamp_pb2 import Timestamp

from services.sampler.facts.asked import asked_about
from services.sampler.labels.ledger import event_of
from services.sampler.session.state import SessionState
from spotted.errors import NotFoundError, PreconditionError
from spotted.v1 import sampler_pb2 as pb


def stored_labels(
    given: pb.LabelsGiven, state: SessionState, position: int, now: Timestamp
) -> pb.LabelsGiven:
    """The answers to store after `position` events.

    Raises NotInSessionError for a detection that the session does not know, PreconditionError for an image
    and vector that it never had of one.
    """
    stored = pb.LabelsGiven()
    stored.CopyFrom(given)
    for number, label in enumerate(stored.labels, start=1):
        state.pair(label)
        state.roster.require_asked(asked_about(label))
        label.label_id = f"{position + 1}-{number}"
        label.create_time.CopyFrom(now)
    for burst in stored.mixed_bursts:
        state.roster.require(burst.detection_ids)
        state.roster.require_asked(asked_about(burst))
    return stored


def require_retractable(label_ids: Sequence[str], state: SessionState) -> None:
    """Raise NotFoundError for an unknown label, PreconditionError for one of a person's change."""
    ledger = state.identity.ledger
    certain = [i for i in label_ids if ledger.is_certain(i)]
    if certain:
        raise PreconditionError(
            f"label {certain[0]!r} belongs to a person's change of individuals; undo change "
            f"{event_of(certain[0])} instead"
        )
    unknown = [i for i in label_ids if i not in ledger.given]
    if unknown:
        raise NotFoundError(
            f"session {state.session.session_id!r} has no label {unknown[0]!r}, or it was retracted; the "
            "session's events list all labels"
        )
