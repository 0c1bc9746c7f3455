"""A session answered from known identities: the annotator of demonstrations and measurements."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from spotted.client.answers import burst_answer, gallery_labels, pair_label, shown_ids
from spotted.client.session_handle import SessionHandle
from spotted.client.survey_handle import SurveyHandle
from spotted.client.values.questions import QuestionKind, Questions
from spotted.client.values.sessions import BurstAnswer, Label, SubmittedLabels
from spotted.constraints.answers import Answer
from spotted.errors import PreconditionError

ANNOTATOR = "oracle"


def read_truth(survey: SurveyHandle) -> dict[str, str]:
    """The known identity of every detection of a survey.

    Raises PreconditionError if one has none: then the oracle cannot answer.
    """
    known = {d.detection_id: d.individual_id for d in survey.detections()}
    unknown = [detection_id for detection_id, individual_id in known.items() if not individual_id]
    if unknown:
        raise PreconditionError(
            f"the oracle needs to know every animal, but {len(unknown)} of {len(known)} detections of "
            f"{survey.survey_id!r} have no individual_id, e.g. {unknown[0]!r}; annotate without --oracle"
        )
    return known


def answer_all(
    session: SessionHandle,
    individuals: Mapping[str, str],
    *,
    shows: Sequence[QuestionKind] = (),
    audit: bool = False,
    limit: int | None = None,
    until_same_pairs: int | None = None,
    on_answer: Callable[[SubmittedLabels], None] = lambda _: None,
) -> int:
    """Answer a session's questions from the truth, one at a time, until it is finished.

    individuals: detection id -> true individual id.
    shows: BURST and GALLERY if they are to be asked. audit: answer random pairs instead.
    limit: most questions to answer. until_same_pairs: stop once this many pairs are known to be SAME.
    on_answer: called after every question with the effect of its answer and the session's progress.
    Returns the number of questions answered; a burst or a gallery is one.
    """
    answered = 0
    while limit is None or answered < limit:
        questions = session.next_pairs(ANNOTATOR, shows=shows, audit=audit)
        if not questions.pairs and not questions.groups:
            break
        labels, bursts = _true_answers(questions, individuals)
        submitted = session.submit_labels(labels, bursts=bursts)
        answered += 1
        on_answer(submitted)
        if until_same_pairs is not None and submitted.progress.same_pairs >= until_same_pairs:
            break
    return answered


def _true_answers(
    questions: Questions, individuals: Mapping[str, str]
) -> tuple[list[Label], list[BurstAnswer]]:
    labels, bursts = [], []
    for pair in questions.pairs:
        first, second = pair.first.detection_id, pair.second.detection_id
        answer = Answer.SAME if individuals[first] == individuals[second] else Answer.DIFFERENT
        labels.append(pair_label(pair, answer, ANNOTATOR))
    for group in questions.groups:
        shown = shown_ids(group)
        same_ids = [i for i in shown if individuals[i] == individuals[shown[0]]]
        if group.kind is QuestionKind.BURST:
            bursts.append(burst_answer(group, ANNOTATOR, one_animal=len(same_ids) == len(shown)))
        else:
            labels += gallery_labels(group, same_ids, ANNOTATOR)
    return labels, bursts
