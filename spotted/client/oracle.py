"""A session answered from known identities: the annotator of demonstrations and measurements."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from spotted.client import Spotted
from spotted.client.answers import burst_answer, gallery_labels, pair_label, shown_ids
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
    shows: Sequence[sampler_pb2.QuestionKind.ValueType] = (),
    audit: bool = False,
    limit: int | None = None,
    until_same_pairs: int | None = None,
    told: Callable[[sampler_pb2.SubmitLabelsResponse], None] = lambda _: None,
) -> int:
    """Answer a session's questions from the truth, one at a time, until it is finished.

    individuals: detection id -> true individual id.
    shows: bursts and galleries where they are to be asked. audit: answer random pairs instead.
    limit: stop after as many questions. until_same_pairs: stop once so many pairs are known to be SAME.
    told: called after every question with what its answer did and the session's progress.
    Returns the number of questions answered; a burst or a gallery is one.
    """
    given = 0
    while limit is None or given < limit:
        asked = spotted.next_pairs(survey_id, session_id, ANNOTATOR, shows=shows, audit=audit)
        if not asked.pairs and not asked.groups:
            break
        labels, bursts = _true_answers(asked, individuals)
        answered = spotted.submit_labels(survey_id, session_id, labels, bursts=bursts)
        given += 1
        told(answered)
        if until_same_pairs is not None and answered.progress.same_pairs >= until_same_pairs:
            break
    return given


def _true_answers(
    asked: sampler_pb2.NextPairsResponse, individuals: Mapping[str, str]
) -> tuple[list[sampler_pb2.Label], list[sampler_pb2.BurstAnswer]]:
    labels, bursts = [], []
    for pair in asked.pairs:
        first, second = pair.first.detection_id, pair.second.detection_id
        same = individuals[first] == individuals[second]
        answer = sampler_pb2.ANSWER_SAME if same else sampler_pb2.ANSWER_DIFFERENT
        labels.append(pair_label(first, second, answer, ANNOTATOR))
    for group in asked.groups:
        shown = shown_ids(group)
        same_ids = [i for i in shown if individuals[i] == individuals[shown[0]]]
        if group.kind == sampler_pb2.QUESTION_KIND_BURST:
            bursts.append(burst_answer(group, ANNOTATOR, one_animal=len(same_ids) == len(shown)))
        else:
            labels += gallery_labels(group, same_ids, ANNOTATOR)
    return labels, bursts
