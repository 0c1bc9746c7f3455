"""The individuals of a session as names to learn from, without the detections that are in doubt."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from spotted.catalogue.foreign_ids import is_foreign
from spotted.cli.sessions.unfinished import describe, is_certain
from spotted.client import SurveyHandle
from spotted.client.values import AnnotatorProgress, Individual, Label, Progress
from spotted.console import with_unit
from spotted.constraints.error_rates import ErrorRates
from spotted.errors import PreconditionError
from spotted.heads.named import FEWEST_ANIMALS
from spotted.individuals.membership import GivenAnswer, trust_members

# below it, a detection is more likely of another animal
LEAST_TRUST = 0.5


@dataclass(frozen=True, slots=True)
class LearnedNames:
    """Names of detections that a session gives."""

    survey_id: str
    session_id: str
    names: dict[str, str]
    """The individual of each detection that is sure enough, of individuals with at least two of them."""
    left_out: int
    """Detections of such individuals that are in doubt."""
    answers: int
    """Answers that the names rest on; 0 if only names are known."""
    answers_sha256: str
    """SHA-256 (hex) of these answers and names."""
    unfinished: str
    """Why individuals may still be counted several times; "" if they are not."""

    @property
    def individuals(self) -> int:
        """Number of individuals."""
        return len(set(self.names.values()))

    def notes(self) -> list[str]:
        """Remarks about the names."""
        notes = []
        if not self.answers:
            notes.append(
                f"{self.session_id} has names without answers, so that no photograph in doubt can be left out"
            )
        if self.left_out:
            notes.append(
                f"{with_unit(self.left_out, 'detection')} left out: answers contradict their individual, say "
                "that they cannot be compared, or join them by too long a chain"
            )
        if self.unfinished:
            notes.append(
                f"session {self.session_id!r} is not finished: {self.unfinished}; photographs of one animal "
                "that are not joined yet are learned from as two animals"
            )
        return notes


def read_learned(survey: SurveyHandle, session_id: str) -> LearnedNames:
    """The names that a session gives.

    Raises NotFoundError if it does not exist, and the errors of `enough_learned`.
    """
    session = survey.session(session_id)
    state = session.progress()
    return learn(survey.survey_id, session_id, list(session.individuals()), session.labels(), state)


def learn(
    survey_id: str,
    session_id: str,
    individuals: Sequence[Individual],
    labels: Sequence[Label],
    state: Progress,
) -> LearnedNames:
    """The names of the individuals of a session. Raises the errors of `enough_learned`."""
    names, left_out = choose_names(individuals, labels, state.annotators)
    digest, unfinished = names_digest(names, labels), "" if is_certain(state) else describe(state)
    learned = LearnedNames(survey_id, session_id, names, left_out, len(labels), digest, unfinished)
    return enough_learned(learned, f"answer more with `spotted annotate {survey_id} --session {session_id}`")


def enough_learned(learned: LearnedNames, remedy: str) -> LearnedNames:
    """The same names. Raises PreconditionError with a remedy if they are of too few individuals."""
    if learned.individuals < FEWEST_ANIMALS:
        of = f" of {learned.survey_id!r}" if learned.survey_id else ""
        raise PreconditionError(
            f"session {learned.session_id!r}{of} has {with_unit(learned.individuals, 'individual')} with two "
            f"detections that are sure enough; learning needs at least {FEWEST_ANIMALS}: {remedy}"
        )
    return learned


def choose_names(
    individuals: Sequence[Individual], labels: Sequence[Label], annotators: Sequence[AnnotatorProgress]
) -> tuple[dict[str, str], int]:
    """The individual of each detection to learn from, by detection id, and how many are left out in doubt.

    Individuals that share a name are named by their ids. Animals of other surveys are left out.
    """
    own = [(one, [member for member in one.detection_ids if not is_foreign(member)]) for one in individuals]
    several = [(one, members) for one, members in own if len(members) > 1]
    answers = [
        GivenAnswer(a.first_detection_id, a.second_detection_id, a.answer, a.annotator_id) for a in labels
    ]
    # answers that join two individuals say something about those with one detection, too
    trust = trust_members([members for _, members in own], answers, _rates(annotators))
    shared = Counter(one.name for one, _ in own)
    names: dict[str, str] = {}
    left_out = 0
    for one, members in several:
        sure = [member for member in members if trust[member] >= LEAST_TRUST]
        left_out += len(members) - len(sure)
        if len(sure) > 1:
            name = one.name if shared[one.name] == 1 else one.individual_id
            names |= dict.fromkeys(sure, name)
    return names, left_out


def _rates(annotators: Sequence[AnnotatorProgress]) -> dict[str, ErrorRates]:
    """The error rates that verified trust has learned."""
    return {
        one.annotator_id: ErrorRates(one.false_same_rate, one.false_different_rate)
        for one in annotators
        if one.false_same_rate and one.false_different_rate
    }


def names_digest(names: Mapping[str, str], labels: Iterable[Label]) -> str:
    """SHA-256 (hex) of names and the answers that they rest on."""
    lines = sorted(
        f"{a.first_detection_id}\t{a.second_detection_id}\t{a.answer.name}\t{a.annotator_id}" for a in labels
    )
    lines += [f"{member}\t{name}" for member, name in sorted(names.items())]
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()
