"""A session's detections read from its survey, as the journal stores them."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence

import numpy as np

from services.common.session.facts import ITEM, NAMED, OUTSIDE
from services.common.survey.filters import filter_rules, passing
from services.sampler.facts.roster import Differences, Roster
from services.sampler.facts.session_facts import text_columns
from services.sampler.survey_values import SurveyContent, Version
from spotted.catalogue.foreign_ids import is_foreign
from spotted.facts.kinds import known_name
from spotted.facts.scope import LEFT, NO_FLANK, RIGHT
from spotted.survey import Detection, Side
from spotted.v1 import sampler_pb2 as pb
from spotted.v1 import survey_pb2
from spotted.v1.scorer_pb2 import CandidateFilter
from spotted.v1.session_facts_pb2 import (
    KNOWN_INDIVIDUALS_IGNORED,
    DetectionFacts,
    DetectionVersion,
    SurveyRead,
)

FLANKS = {Side.LEFT: LEFT, Side.RIGHT: RIGHT}


def read_survey(
    session: pb.Session,
    roster: Roster,
    survey: SurveyContent,
    *,
    before: Version | None = None,
    among: Collection[str] | None = None,
    complete: bool = False,
    renamed: Collection[str] = (),
) -> SurveyRead:
    """Read a survey for a session: detections that came, went or returned, and facts about them.

    roster: the detections of the session so far. before: the version of the survey that it last read.
    among: the only detections to look at; None: all. complete: facts about those that it has are read again.
    renamed: those of which the names are read again.
    """
    comparable = before is None or before.uid == survey.version.uid
    versions = {i: survey.versions.get(i, 0) for i in survey.detections}
    looked_at = roster.item_of.keys() | versions.keys() if among is None else among
    found = roster.differences(versions, looked_at, comparable=comparable)
    items = _items(roster, found, versions)
    here = {i: survey.detections[i] for i in items if i in survey.detections}
    new = {*found.added, *found.returned}
    return SurveyRead(
        # ordered by id: the order in which photographs were stored must not influence the questions
        added_detection_ids=found.added,
        gone_detection_ids=found.gone,
        returned_detection_ids=found.returned,
        image_pairs=[
            survey_pb2.Pair(first_detection_id=a, second_detection_id=b) for a, b in _image_pairs(here, new)
        ],
        facts=_facts(
            session,
            here,
            items,
            named=set(here) if complete else new | here.keys() & {*renamed},
            corrected=set() if among is None else set(found.kept),
        ),
        complete=complete,
        survey_uid=survey.version.uid,
        survey_revision=survey.version.revision,
        versions=[
            DetectionVersion(detection_id=i, version=versions[i])
            for i in sorted(here if not comparable else new)
            if versions[i]
        ],
        renamed_detection_ids=sorted({*found.kept} & {*renamed}),
    )


def uses_names(session: pb.Session) -> bool:
    """Whether a session reads the names of its survey."""
    return session.known_individuals != KNOWN_INDIVIDUALS_IGNORED


def has_names(detections: Iterable[Detection]) -> bool:
    """Whether any detection has a name."""
    return any(known_name(detection.individual_id) for detection in detections)


def _items(roster: Roster, found: Differences, versions: Mapping[str, int]) -> dict[str, int]:
    """The item of each detection that is there after these differences, in the order of the items."""
    gone, count = {*found.gone}, len(roster.detection_ids)
    items = {i: item for i, item in roster.living().items() if i not in gone}
    items |= roster.returning({i: versions[i] for i in found.returned})
    items |= {i: item for item, i in enumerate(found.added, start=count)}
    return dict(sorted(items.items(), key=lambda entry: entry[1]))


def _facts(
    session: pb.Session,
    here: Mapping[str, Detection],
    items: Mapping[str, int],
    *,
    named: Collection[str],
    corrected: Collection[str],
) -> DetectionFacts:
    """Facts about some detections.

    named: those of which the names count. corrected: further ones, which keep the names that were read.
    """
    described = {*named, *corrected}
    shared = Counter(d.encounter_id for d in here.values() if d.encounter_id)
    # an earlier detection counts as well if a new one joins its encounter
    met = {here[i].encounter_id for i in described if shared[here[i].encounter_id] > 1}
    rows = [(items[i], i, d) for i, d in here.items() if i in described or d.encounter_id in met]
    flags = _flags([d for _, _, d in rows], session.filter)
    encounters, encounter_of = text_columns([d.encounter_id for _, _, d in rows], met)
    facts = DetectionFacts(encounters=encounters, encounter_of=encounter_of)
    if uses_names(session):
        names = [known_name(d.individual_id) if i in named else "" for _, i, d in rows]
        distinct, facts.name_of = text_columns(names, {*names} - {""})
        facts.names.extend(distinct)
    if any(flags) or facts.names or facts.encounters or corrected:
        facts.detections = np.array([item for item, _, _ in rows], ITEM).tobytes()
        facts.flags = bytes(flags)
    return facts


def _flags(detections: Sequence[Detection], only: CandidateFilter) -> list[int]:
    passes = passing(filter_rules(only), detections).tolist()
    return [
        FLANKS.get(d.side, NO_FLANK)
        + (NAMED if known_name(d.individual_id) else 0)
        # the filter is about the survey itself
        + (0 if passed or is_foreign(d.detection_id) else OUTSIDE)
        for d, passed in zip(detections, passes, strict=True)
    ]


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
