"""An annotation session: its settings, answers, conflicts and journal."""

from __future__ import annotations

import enum
from dataclasses import dataclass

from spotted.client.values.candidates import CandidateFilter
from spotted.client.values.progress import Progress
from spotted.constraints.answers import Answer, LabelEffect
from spotted.constraints.trust import Trust
from spotted.facts.kinds import KnownIndividuals, Source


class Confidence(enum.IntEnum):
    """How sure an annotator is of an answer; the values are those of `spotted.v1.Confidence`."""

    GUESS = 1
    """A guess."""
    FAIRLY_SURE = 2
    """Fairly sure."""
    SURE = 3
    """Sure."""


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
    """How far one answer is believed; None only for a session of an old journal: single."""
    known_individuals: KnownIndividuals | None
    """How the names of the survey are used; None only for a session of an old journal: believed."""
    only: CandidateFilter
    """The detections that are asked about."""
    ask_opposite_flanks: bool
    """Whether pairs of a left and a right flank are asked."""
    created_at_s: float | None
    """When it was created, UTC seconds since 1970."""
    position: int
    """Number of events in its journal."""
    catalogue_survey_ids: tuple[str, ...] = ()
    """Other surveys of which the session asks about animals of the catalogue."""
    damage: str = ""
    """How the session is damaged in the store, and the remedy; then its other fields are empty. "" if not."""
    updated_at_s: float | None = None
    """When its journal last grew, UTC seconds since 1970; only known in a list of sessions."""


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
    note: str = ""
    """Free text of the annotator about it, at most 1,000 characters; without effect."""
    versions: tuple[int | None, int | None] = (None, None)
    """The images that were asked about (`PairQuery.versions`); None: those that the detections have."""
    confidence: Confidence | None = None
    """How sure the annotator is, without effect; None if they did not say."""


@dataclass(frozen=True, slots=True)
class BurstAnswer:
    """Whether the frames of a burst show one animal."""

    detection_ids: tuple[str, ...]
    """The frames, at least two."""
    one_animal: bool
    """True: SAME for each frame with the first. False: closes the burst; DIFFERENT if it has two frames."""
    annotator_id: str
    """Who answered."""
    versions: tuple[int, ...] = ()
    """The images that were asked about (`GroupQuery.versions`); empty: those that the frames have."""
    note: str = ""
    """As `Label.note`; kept with each of its labels, or with the closed burst in the journal."""
    confidence: Confidence | None = None
    """As `Label.confidence`; kept as the note."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """A statement about two detections by a source other than a label."""

    source: Source
    """IMAGE, KNOWN or ENCOUNTER."""
    first_detection_id: str
    """One detection."""
    second_detection_id: str
    """The other detection."""
    names: tuple[str, ...]
    """KNOWN: the name of both, or the name of each. ENCOUNTER: its id. IMAGE: empty."""


@dataclass(frozen=True, slots=True)
class Conflict:
    """A label that contradicts earlier ones or facts, or a fact that contradicts others."""

    label: Label | None
    """The label that was not applied; None if a fact was left out, the first of the evidence."""
    explanation: tuple[Label, ...]
    """The smallest set of earlier labels that contradicts it; empty if facts do."""
    evidence: tuple[Evidence, ...]
    """The facts that contradict it, besides the labels."""
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
    notice: str = ""
    """As `Questions.notice`, if these are the first answers of an annotator."""


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
    READ = "read"
    """Detections, with their names, were read from the survey."""
    UPDATED = "updated"
    """Settings were changed."""
    CHANGED = "changed"
    """A person changed individuals, or undid such a change."""


@dataclass(frozen=True, slots=True)
class IndividualsEvent:
    """A change of individuals as the journal has it."""

    annotator_id: str
    """Who made it."""
    kind: str
    """`updated`, `merged`, `split`, `moved` or `undone`."""
    individual_ids: tuple[str, ...]
    """The individuals that it names, by their ids before it."""
    detection_ids: tuple[str, ...]
    """The detections that were split off or moved."""
    paths: tuple[str, ...] = ()
    """The attributes that were set."""
    display_name: str = ""
    """The display name that was set."""
    undone_position: int = 0
    """Position of the change that was undone."""


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
    change: IndividualsEvent | None
    """The change of a CHANGED event."""
    content: bytes
    """The whole event as the contract serialises it, which `import_session` sends."""
