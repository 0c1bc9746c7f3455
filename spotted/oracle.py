"""A session answered from known identities: the annotator of demonstrations and measurements."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from spotted.client import Spotted
from spotted.errors import PreconditionError
from spotted.v1 import sampler_pb2

ANNOTATOR = "oracle"


def truth(spotted: Spotted, survey_id: str) -> dict[str, str]:
    """The known identity of every detection of a survey.

    Raises PreconditionError where one has none: then the oracle cannot answer.
    """
    known = {d.detection_id: d.individual_id for d in spotted.detections(survey_id)}
    unknown = [detection_id for detection_id, individual_id in known.items() if not individual_id]
    if unknown:
        raise PreconditionError(
            f"the oracle needs to know every animal, but {len(unknown)} of {len(known)} detections of "
            f"{survey_id!r} have no individual_id, such as {unknown[0]!r}; annotate without --oracle"
        )
    return known


def answer_all(
    spotted: Spotted,
    survey_id: str,
    session_id: str,
    individuals: Mapping[str, str],
    *,
    limit: int | None = None,
    until_same_pairs: int | None = None,
    told: Callable[[sampler_pb2.LabelOutcome, sampler_pb2.Progress], None] = lambda *_: None,
) -> int:
    """Answer a session's questions from the truth, one at a time, until it is finished.

    individuals: detection id -> true individual id.
    limit: stop after as many answers. until_same_pairs: stop once so many pairs are known to be SAME.
    told: called after every answer with its outcome and the session's progress.
    Returns the number of answers given.
    """
    given = 0
    while limit is None or given < limit:
        asked = spotted.next_pairs(survey_id, session_id, ANNOTATOR)
        if not asked.pairs:
            break
        pair = asked.pairs[0]
        first, second = pair.first.detection_id, pair.second.detection_id
        same = individuals[first] == individuals[second]
        label = sampler_pb2.Label(
            first_detection_id=first,
            second_detection_id=second,
            answer=sampler_pb2.ANSWER_SAME if same else sampler_pb2.ANSWER_DIFFERENT,
            annotator_id=ANNOTATOR,
        )
        answered = spotted.submit_labels(survey_id, session_id, [label])
        given += 1
        told(answered.outcomes[0], answered.progress)
        if until_same_pairs is not None and answered.progress.same_pairs >= until_same_pairs:
            break
    return given
