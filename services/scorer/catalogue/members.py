"""Members of other surveys as photographs of a survey, as messages."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from services.common.access.caller import Caller
from services.common.rpc import checks
from services.common.survey.rows import HalfArray
from services.common.survey.state import vector_digest
from services.scorer.catalogue.gallery import Part, on_plane_of
from services.scorer.catalogue.matcher import Beside, CatalogueMatcher
from services.scorer.responses import batches
from services.scorer.scored_surveys import ScoredSurvey
from spotted import messages
from spotted.v1 import catalogue_pb2 as pb
from spotted.v1.session_facts_pb2 import EntryName

# bytes of a vector's digest that make a number
IMAGE_BYTES = 4


def member_responses(
    matcher: CatalogueMatcher, request: pb.ReadCatalogueMembersRequest, caller: Caller
) -> Iterator[pb.ReadCatalogueMembersResponse]:
    """The members in messages near 1 MiB."""
    scored, beside = matcher.read(request, caller)
    yield from _known(beside)
    parts = [part for part in beside.parts if part.snapshot is not None]
    for part, vectors in zip(parts, matcher.vectors(scored, parts), strict=True):
        yield from _part(scored, part, vectors if request.include_embeddings else None)


def _known(beside: Beside) -> Iterator[pb.ReadCatalogueMembersResponse]:
    """The entries, and the detections of the survey itself."""
    named = {*beside.known_as.values(), *(entry_id for part in beside.parts for entry_id in part.entry_ids)}
    names = (EntryName(entry_id=one, display_name=beside.names[one]) for one in sorted(named))
    for batch in batches(names, EntryName.ByteSize, checks.PAGE_BYTES):
        yield pb.ReadCatalogueMembersResponse(entry_names=batch)
    known = (pb.MemberEntry(detection_id=i, entry_id=e) for i, e in sorted(beside.known_as.items()))
    for entries in batches(known, pb.MemberEntry.ByteSize, checks.PAGE_BYTES):
        yield pb.ReadCatalogueMembersResponse(known=entries)


def _part(
    scored: ScoredSurvey, part: Part, vectors: HalfArray | None
) -> Iterator[pb.ReadCatalogueMembersResponse]:
    """The members of one survey. vectors: None to leave them out."""
    row_bytes = 0 if vectors is None else vectors[:1].nbytes
    start = 0
    for batch in batches(_members(scored, part), lambda one: one.ByteSize() + row_bytes, checks.PAGE_BYTES):
        response = pb.ReadCatalogueMembersResponse(members=batch)
        if vectors is not None:
            rows = np.ascontiguousarray(vectors[start : start + len(batch)])
            response.embeddings.CopyFrom(messages.tensor(rows))
        start += len(batch)
        yield response


def _members(scored: ScoredSurvey, part: Part) -> Iterator[pb.MemberPhotograph]:
    assert part.snapshot is not None  # noqa: S101 - the caller leaves the others out
    cameras = on_plane_of(scored.snapshot, part)
    for row, detection, entry_id in zip(part.rows.tolist(), part.detections, part.entry_ids, strict=True):
        one = pb.MemberPhotograph(
            survey_id=part.survey_id, detection=messages.detection_message(detection), entry_id=entry_id
        )
        if detection.camera_id in cameras:
            one.camera.CopyFrom(messages.camera_message(cameras[detection.camera_id]))
        digest = vector_digest(part.snapshot.base[row])
        one.image = int.from_bytes(digest[:IMAGE_BYTES], "big")
        yield one
