"""Members of other surveys as photographs of a survey, as messages."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from services.common.access.caller import Caller
from services.common.survey.rows import HalfArray
from services.common.survey.state import vector_digest
from services.scorer.catalogue.gallery import Part, on_plane_of
from services.scorer.catalogue.matcher import Beside, CatalogueMatcher
from services.scorer.scored_surveys import ScoredSurvey
from spotted import messages
from spotted.v1 import catalogue_pb2 as pb
from spotted.v1 import session_facts_pb2

# members of one message: their vectors are the larger part
MEMBERS_OF_MESSAGE = 500
# bytes of a vector's digest that make a number
IMAGE_BYTES = 4


def member_responses(
    matcher: CatalogueMatcher, request: pb.ReadCatalogueMembersRequest, caller: Caller
) -> Iterator[pb.ReadCatalogueMembersResponse]:
    """The members, at least one message, so that the entries are always named."""
    scored, beside = matcher.read(request, caller)
    yield _known(beside)
    parts = [part for part in beside.parts if part.snapshot is not None]
    for part, vectors in zip(parts, matcher.vectors(scored, parts), strict=True):
        members = _members(scored, part)
        for start in range(0, len(members), MEMBERS_OF_MESSAGE):
            response = pb.ReadCatalogueMembersResponse(members=members[start : start + MEMBERS_OF_MESSAGE])
            if request.include_embeddings:
                _add_vectors(response, vectors[start : start + MEMBERS_OF_MESSAGE])
            yield response


def _known(beside: Beside) -> pb.ReadCatalogueMembersResponse:
    """The entries, and the detections of the survey itself."""
    named = {*beside.known_as.values(), *(entry_id for part in beside.parts for entry_id in part.entry_ids)}
    names = [
        session_facts_pb2.EntryName(entry_id=entry_id, display_name=beside.names[entry_id])
        for entry_id in sorted(named)
    ]
    known = [pb.MemberEntry(detection_id=i, entry_id=e) for i, e in sorted(beside.known_as.items())]
    return pb.ReadCatalogueMembersResponse(known=known, entry_names=names)


def _members(scored: ScoredSurvey, part: Part) -> list[pb.MemberPhotograph]:
    assert part.snapshot is not None  # noqa: S101 - the caller leaves the others out
    cameras, found = on_plane_of(scored.snapshot, part), []
    for row, detection, entry_id in zip(part.rows.tolist(), part.detections, part.entry_ids, strict=True):
        one = pb.MemberPhotograph(
            survey_id=part.survey_id, detection=messages.detection_message(detection), entry_id=entry_id
        )
        if detection.camera_id in cameras:
            one.camera.CopyFrom(messages.camera_message(cameras[detection.camera_id]))
        digest = vector_digest(part.snapshot.base[row])
        one.image = int.from_bytes(digest[:IMAGE_BYTES], "big")
        found.append(one)
    return found


def _add_vectors(response: pb.ReadCatalogueMembersResponse, vectors: HalfArray) -> None:
    response.embeddings.CopyFrom(messages.tensor(np.ascontiguousarray(vectors)))
