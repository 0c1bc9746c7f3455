"""A session's detections read from its survey, as the journal stores them."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping

import numpy as np

from services.common.session.facts import ITEM, NAMED, OUTSIDE
from services.sampler.facts.session_facts import text_columns
from services.sampler.scorer_client import Version
from spotted import messages
from spotted.facts.kinds import known_name
from spotted.facts.scope import LEFT, NO_FLANK, RIGHT
from spotted.survey import Detection, Side
from spotted.v1 import sampler_pb2 as pb
from spotted.v1 import survey_pb2
from spotted.v1.scorer_pb2 import CandidateFilter
from spotted.v1.session_facts_pb2 import KNOWN_INDIVIDUALS_IGNORED, DetectionFacts, SurveyRead

FLANKS = {Side.LEFT: LEFT, Side.RIGHT: RIGHT}
DELETED = Detection("")


def read_survey(
    session: pb.Session,
    item_of: Mapping[str, int],
    detections: Mapping[str, Detection],
    version: Version,
    *,
    complete: bool = False,
) -> SurveyRead:
    """The facts that a session takes from its survey now.

    item_of: the session's detections so far. detections: of the survey. complete: facts about the detections
    that the session has already are read again.
    """
    # ordered by id: the order in which photographs were stored must not influence the questions
    added = sorted(i for i in detections if i not in item_of)
    ids = [*sorted(item_of, key=item_of.__getitem__), *added]
    return SurveyRead(
        added_detection_ids=added,
        image_pairs=[
            survey_pb2.Pair(first_detection_id=a, second_detection_id=b)
            for a, b in _image_pairs(detections, set(added))
        ],
        facts=_facts(session, {i: detections.get(i, DELETED) for i in ids}, set(ids if complete else added)),
        complete=complete,
        survey_uid=version.uid,
        survey_revision=version.revision,
    )


def uses_names(session: pb.Session) -> bool:
    """Whether a session reads the names of its survey."""
    return session.known_individuals != KNOWN_INDIVIDUALS_IGNORED


def has_names(detections: Iterable[Detection]) -> bool:
    """Whether any detection has a name."""
    return any(known_name(detection.individual_id) for detection in detections)


def _facts(session: pb.Session, of: Mapping[str, Detection], described: set[str]) -> DetectionFacts:
    """Facts about some detections. of: all detections of the session, in the order of their items."""
    shared = Counter(d.encounter_id for d in of.values() if d.encounter_id)
    # an earlier detection counts as well if a new one joins its encounter
    met = {of[i].encounter_id for i in described if shared[of[i].encounter_id] > 1}
    rows = [(item, i, d) for item, (i, d) in enumerate(of.items()) if i in described or d.encounter_id in met]
    flags = [_flags(d, session.filter) for _, _, d in rows]
    encounters, encounter_of = text_columns([d.encounter_id for _, _, d in rows], met)
    facts = DetectionFacts(encounters=encounters, encounter_of=encounter_of)
    if uses_names(session):
        names = [known_name(d.individual_id) if i in described else "" for _, i, d in rows]
        distinct, facts.name_of = text_columns(names, {*names} - {""})
        facts.names.extend(distinct)
    if any(flags) or facts.names or facts.encounters:
        facts.detections = np.array([item for item, _, _ in rows], ITEM).tobytes()
        facts.flags = bytes(flags)
    return facts


def _flags(detection: Detection, only: CandidateFilter) -> int:
    named = NAMED if known_name(detection.individual_id) else 0
    outside = 0 if _passes(detection, only) else OUTSIDE
    return FLANKS.get(detection.side, NO_FLANK) + named + outside


def _passes(detection: Detection, only: CandidateFilter) -> bool:
    """Whether a session with this filter asks about a detection."""
    at_s = detection.captured_at_s
    if only.camera_ids and detection.camera_id not in only.camera_ids:
        return False
    if only.species and detection.species not in only.species:
        return False
    if only.HasField("captured_from") and (at_s is None or at_s < messages.seconds(only.captured_from)):
        return False
    if only.HasField("captured_before") and (at_s is None or at_s >= messages.seconds(only.captured_before)):
        return False
    return detection.individual_id not in only.exclude_individual_ids or not detection.individual_id


def _image_pairs(detections: Mapping[str, Detection], added: set[str]) -> list[tuple[str, str]]:
    """Pairs of detections in one image, at least one of them new."""
    by_image: defaultdict[str, list[str]] = defaultdict(list)
    for detection_id, detection in detections.items():
        if detection.image_id:
            by_image[detection.image_id].append(detection_id)
    return [
        (first, second)
        for ids in by_image.values()
        for index, first in enumerate(ids)
        for second in ids[index + 1 :]
        if first in added or second in added
    ]
