"""The parts of an event, by the name of its kind."""

from __future__ import annotations

from typing import TypedDict

from spotted.v1 import sampler_pb2 as pb
from spotted.v1.individuals_pb2 import IndividualsChanged
from spotted.v1.session_facts_pb2 import SurveyRead


class EventKind(TypedDict, total=False):
    """One of these is set."""

    created: pb.Session
    planned: pb.PlannedRound
    labelled: pb.LabelsGiven
    retracted: pb.LabelsRetracted
    audit: pb.AuditDrawn
    changed: IndividualsChanged
    read: SurveyRead
    updated: pb.SessionUpdated
