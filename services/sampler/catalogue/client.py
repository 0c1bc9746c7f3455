"""Reads members of the catalogue from the scorer."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from services.common.access.outgoing import Line
from services.common.settings import Security
from services.sampler.catalogue.members import MemberCandidates, Members
from spotted import messages
from spotted.catalogue.facts import Member
from spotted.catalogue.foreign_ids import foreign_id
from spotted.client.calls import streamed
from spotted.survey import Camera, Detection
from spotted.v1 import catalogue_pb2 as pb
from spotted.v1.catalogue_pb2_grpc import CatalogueServiceStub

STREAM_TIMEOUT_S = 600.0
# animals, and photographs, that a detection is compared with: the best ones
TOP_K = 20


class CatalogueClient:
    """The catalogue of a scorer over gRPC, read for a survey by its id in the store."""

    def __init__(self, address: str, security: Security | None = None) -> None:
        self._address = address
        self._line = Line(address, security)

    def members(self, survey_id: str, survey_ids: Sequence[str], *, with_embeddings: bool = False) -> Members:
        """The members in some surveys. Raises NotFoundError for the survey, UnavailableError."""
        request = pb.ReadCatalogueMembersRequest(
            survey_id=survey_id, survey_ids=survey_ids, include_embeddings=with_embeddings
        )
        blocks, vectors, digest = [], [], hashlib.sha256()
        for answer in streamed(
            CatalogueServiceStub(self._line.channel()).ReadCatalogueMembers,
            request,
            timeout_s=STREAM_TIMEOUT_S,
            address=self._address,
        ):
            if with_embeddings and answer.members:
                vectors.append(messages.array(answer.embeddings))
            answer.ClearField("embeddings")
            digest.update(answer.SerializeToString(deterministic=True))
            blocks.append(answer)
        read = [each for answer in blocks for each in answer.members]
        ids = [foreign_id(Member(each.survey_id, each.detection.detection_id)) for each in read]
        return Members(
            detections={i: _detection(i, each) for i, each in zip(ids, read, strict=True)},
            cameras=dict(_camera(each) for each in read if each.HasField("camera")),
            versions={i: each.image for i, each in zip(ids, read, strict=True)},
            entry_of={one.detection_id: one.entry_id for answer in blocks for one in answer.known},
            entry_names={one.entry_id: one.display_name for answer in blocks for one in answer.entry_names},
            digest=digest.hexdigest(),
            embeddings=np.concatenate(vectors) if vectors else None,
        )

    def candidates(
        self, survey_id: str, survey_ids: Sequence[str], *, comparable_sides_only: bool
    ) -> MemberCandidates:
        """The best members for each detection of the survey: photographs, and one of each animal."""
        request = pb.MatchCatalogueRequest(
            survey_id=survey_id,
            survey_ids=survey_ids,
            top_k=TOP_K,
            comparable_sides_only=comparable_sides_only,
        )
        found: dict[tuple[str, str], pb.PhotographCandidate] = {}
        for answer in streamed(
            CatalogueServiceStub(self._line.channel()).MatchCatalogue,
            request,
            timeout_s=STREAM_TIMEOUT_S,
            address=self._address,
        ):
            for match in answer.matches:
                for one in (*match.photographs, *(animal.best for animal in match.animals)):
                    member = foreign_id(Member(one.survey_id, one.detection_id))
                    found[one.query_detection_id, member] = one
        best = list(found.values())
        return MemberCandidates(
            query=[query for query, _ in found],
            candidate=[member for _, member in found],
            visual=[one.visual for one in best],
            feasibility=[one.feasibility if one.HasField("feasibility") else math.nan for one in best],
            fused=[one.fused for one in best],
        )

    def close(self) -> None:
        """Close the channel."""
        self._line.close()


def _detection(detection_id: str, read: pb.MemberPhotograph) -> Detection:
    """A member as a detection of the session; only the catalogue says which members are one animal."""
    one = messages.detection(read.detection)
    return replace(
        one,
        detection_id=detection_id,
        individual_id=read.entry_id,
        camera_id=_elsewhere(read.survey_id, one.camera_id),
        image_id="",
        encounter_id="",
    )


def _camera(read: pb.MemberPhotograph) -> tuple[str, Camera]:
    one = messages.camera(read.camera)
    camera_id = _elsewhere(read.survey_id, one.camera_id)
    return camera_id, replace(one, camera_id=camera_id, station=_elsewhere(read.survey_id, one.station))


def _elsewhere(survey_id: str, text: str) -> str:
    return foreign_id(Member(survey_id, text)) if text else ""
