"""An annotation session: its settings, questions, answers, conflicts, individuals and journal."""

from __future__ import annotations

import enum
from dataclasses import dataclass

from spotted.client.values.progress import Progress
from spotted.constraints.answers import Answer, LabelEffect
from spotted.constraints.trust import Trust
from spotted.survey import Detection


class QuestionKind(enum.IntEnum):
    """A kind of question; the values are those of `spotted.v1.QuestionKind`."""

    PAIR = 1
    """Two detections: the same animal?"""
    BURST = 2
    """The frames of a burst: are they one animal?"""
    GALLERY = 3
    """One detection beside several others: which of these show the same animal?"""


@dataclass(frozen=True, slots=True)
class SessionInfo:
    """A session as stored."""

    survey_id: str
    """Its survey."""
    session_id: str
    """Unique in its survey."""
    strategy: str
    """How questions are chosen, e.g. "learned"."""
    top_k: int
    """Candidates of each detection to start with; 0 for the default."""
    eps: float | None
    """Clustering radius on 1 - score; None if chosen from the scores."""
    retrain: bool
    """Whether the similarity is retrained on the session's labels (spal and confspal)."""
    seed: int
    """Equal seeds and equal journals give equal questions."""
    trust: Trust | None
    """How far one answer is believed; None: single until a second annotator answers, then verified."""
    created_at_s: float | None
    """When it was created, UTC seconds since 1970."""
    position: int
    """Number of events in its journal."""


@dataclass(frozen=True, slots=True)
class PairQuery:
    """Two detections put to an annotator."""

    first: Detection
    """The detection with the smaller id."""
    second: Detection
    """The detection with the larger id."""
    reason: str
    """Why this pair is asked."""
    score: float
    """The score by which it was chosen, 0 to 1; 0 for a check of an earlier answer or a random pair."""
    distance_m: float | None
    """Between the cameras, metres; None if a position is unknown."""
    gap_s: float | None
    """Between the captures, seconds; None if a time is unknown."""
    needed_speed_kmh: float | None
    """distance / gap; None if unknown, infinite if the gap is 0."""
    lease_expires_at_s: float | None
    """When other annotators may be asked it, UTC seconds since 1970."""


@dataclass(frozen=True, slots=True)
class GroupQuery:
    """A burst or a gallery put to an annotator at once.

    `spotted.client.answers` makes the labels of a gallery and the answer to a burst.
    """

    kind: QuestionKind
    """BURST or GALLERY."""
    anchor: Detection | None
    """The detection that the others are compared with; None for a burst."""
    detections: tuple[Detection, ...]
    """The frames of a burst by time, or the candidates of a gallery, likeliest first."""
    reason: str
    """Why they are asked."""
    scores: tuple[float, ...]
    """One for each candidate of a gallery, as `PairQuery.score`; empty for a burst."""
    lease_expires_at_s: float | None
    """When other annotators may be asked it, UTC seconds since 1970."""


@dataclass(frozen=True, slots=True)
class Questions:
    """The next questions, leased to one annotator."""

    pairs: tuple[PairQuery, ...]
    """Pairs of detections."""
    groups: tuple[GroupQuery, ...]
    """Bursts and galleries, if the caller shows them."""
    finished: bool
    """True if nothing is left to ask anyone; empty and False: all open pairs are leased to others."""


@dataclass(frozen=True, slots=True)
class Label:
    """One answer of one annotator to one pair.

    >>> Label("d01", "d04", Answer.SAME, "anna").answer.name
    'SAME'
    """

    first_detection_id: str
    """One detection of the pair; the order does not matter."""
    second_detection_id: str
    """The other detection."""
    answer: Answer
    """The answer."""
    annotator_id: str
    """Who answered."""
    label_id: str = ""
    """Chosen by the sampler; "" before it is stored."""
    created_at_s: float | None = None
    """When it was stored, UTC seconds since 1970; None before."""


@dataclass(frozen=True, slots=True)
class BurstAnswer:
    """Whether the frames of a burst show one animal."""

    detection_ids: tuple[str, ...]
    """The frames, at least two."""
    one_animal: bool
    """True: SAME for each frame with the first. False: closes the burst; DIFFERENT if it has two frames."""
    annotator_id: str
    """Who answered."""


@dataclass(frozen=True, slots=True)
class Conflict:
    """A label that contradicts earlier ones."""

    label: Label
    """The label that was not applied."""
    explanation: tuple[Label, ...]
    """The smallest set of earlier labels that contradicts it; empty if one image shows both animals."""
    message: str
    """The conflict as a sentence."""


@dataclass(frozen=True, slots=True)
class StoredLabel:
    """A label as stored, with its effect."""

    label: Label
    """The label as stored."""
    effect: LabelEffect
    """Its effect."""
    implied_same_pairs: int
    """Pairs now known to show one animal that were not known before."""
    conflict: Conflict | None
    """The earlier labels that contradict it; None if none does."""


@dataclass(frozen=True, slots=True)
class SubmittedLabels:
    """The result of submitting labels."""

    outcomes: tuple[StoredLabel, ...]
    """One for each label in the order sent, then those of the bursts."""
    progress: Progress
    """The session after them, without guarantees and annotators."""


@dataclass(frozen=True, slots=True)
class Individual:
    """One hypothesised animal."""

    individual_id: str
    """Stable while its smallest detection id stays in it."""
    detection_ids: tuple[str, ...]
    """Its detections, ordered by id."""


class EventKind(enum.Enum):
    """The kinds of a journal's events, named as in the contract."""

    CREATED = "created"
    """The session was created; always the first."""
    PLANNED = "planned"
    """A round of questions was planned."""
    LABELLED = "labelled"
    """Labels were stored."""
    RETRACTED = "retracted"
    """Labels were retracted."""
    AUDIT = "audit"
    """Random pairs were drawn for an audit."""
    LEFT = "left"
    """Detections left the session: deleted, or with another image now."""


@dataclass(frozen=True, slots=True)
class SessionEvent:
    """One event of a session's journal."""

    position: int
    """Position in the journal, from 1."""
    created_at_s: float | None
    """When it was stored, UTC seconds since 1970."""
    kind: EventKind | None
    """The kind of event; None for an event of a later version."""
    labels: tuple[Label, ...]
    """The labels of a LABELLED event."""
    retracted_label_ids: tuple[str, ...]
    """The labels of a RETRACTED event."""
    added: tuple[tuple[str, int], ...]
    """The detections that a PLANNED event added, each with the version of its image, 0 for its first."""
    left_detection_ids: tuple[str, ...]
    """The detections of a LEFT event."""
    content: bytes
    """The whole event as the contract serialises it, which `import_session` sends."""
