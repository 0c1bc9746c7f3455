"""Matches with the catalogue as messages."""

from __future__ import annotations

from collections.abc import Iterator

from services.common.rpc import checks
from services.scorer.catalogue.matcher import Matching
from services.scorer.catalogue.matching import Candidate, Match
from services.scorer.responses import batches
from spotted.v1 import catalogue_pb2 as pb


def match_responses(matching: Matching) -> Iterator[pb.MatchCatalogueResponse]:
    """Matches as messages near 1 MiB, at least one, so that the surveys are always named."""
    spec, surveys = matching.spec(), [*_surveys(matching)]
    messages = (match_message(matching, match) for match in matching.matches())
    first = True
    for batch in batches(messages, pb.CatalogueMatch.ByteSize, checks.PAGE_BYTES):
        yield pb.MatchCatalogueResponse(matches=batch, score_spec=spec, surveys=surveys)
        first = False
    if first:
        yield pb.MatchCatalogueResponse(score_spec=spec, surveys=surveys)


def match_message(matching: Matching, match: Match) -> pb.CatalogueMatch:
    """The candidates of a query."""
    detections = matching.scored.snapshot.detections
    ids = [detections[row].detection_id for row in match.query.rows]
    known_as = {matching.known_as[i] for i in ids if i in matching.known_as}
    return pb.CatalogueMatch(
        detection_ids=ids,
        encounter_id=match.query.encounter_id,
        entry_id=known_as.pop() if len(known_as) == 1 else "",
        animals=[_animal(matching, candidate) for candidate in match.animals],
        photographs=[_photograph(matching, candidate) for candidate in match.photographs],
        compared=match.compared,
    )


def _surveys(matching: Matching) -> Iterator[pb.MatchedSurvey]:
    for part in matching.gallery.parts:
        yield pb.MatchedSurvey(
            survey_id=part.survey_id, members=len(part.rows), missing=part.missing, reason=part.reason
        )


def _animal(matching: Matching, candidate: Candidate) -> pb.AnimalCandidate:
    best = _photograph(matching, candidate)
    name = matching.names[best.entry_id]
    return pb.AnimalCandidate(entry_id=best.entry_id, display_name=name, best=best)


def _photograph(matching: Matching, candidate: Candidate) -> pb.PhotographCandidate:
    survey_id, detection, entry_id = matching.gallery.members[candidate.member]
    return pb.PhotographCandidate(
        survey_id=survey_id,
        detection_id=detection.detection_id,
        entry_id=entry_id,
        query_detection_id=candidate.query_detection_id,
        visual=candidate.visual,
        feasibility=candidate.feasibility,
        fused=candidate.fused,
        reason=candidate.reason,
    )
