"""The progress of an annotation session."""

from __future__ import annotations

from dataclasses import dataclass

from spotted.constraints.trust import Trust


@dataclass(frozen=True, slots=True)
class StopGuarantee:
    """Whether a share of all merges is known, with 95 % confidence, if every answer so far is right."""

    target: float
    """0.90, 0.95 or 0.98."""
    reached: bool
    """True if it is safe to stop at this target."""


@dataclass(frozen=True, slots=True)
class Audit:
    """A bound on missed pairs from answers to random pairs, whatever the strategy asked."""

    answered: int
    """Random open group pairs that were answered."""
    same: int
    """How many of these were one animal."""
    open_pairs: int
    """Open group pairs among which they were drawn."""
    same_at_most: int
    """At most this many of the open pairs are one animal, with 95 % confidence."""


@dataclass(frozen=True, slots=True)
class AnnotatorProgress:
    """The work of one annotator."""

    annotator_id: str
    """Who."""
    answers: int
    """Labels that have not been retracted."""
    answers_per_minute: float | None
    """Over the last hour of their labels; None before there are two."""
    false_same_rate: float | None
    """Estimated chance that two animals are called the same; None unless trust is verified."""
    false_different_rate: float | None
    """Estimated chance that one animal is called different; None unless trust is verified."""


@dataclass(frozen=True, slots=True)
class Progress:
    """The state of a session."""

    detections: int
    """Detections in the session."""
    same: int
    """Labels SAME that have not been retracted."""
    different: int
    """Labels DIFFERENT that have not been retracted."""
    not_comparable: int
    """Labels NOT_COMPARABLE that have not been retracted."""
    skipped: int
    """Labels SKIP that have not been retracted."""
    conflicts: int
    """Labels that contradict others."""
    individuals: int
    """Individuals now; a detection that was never joined counts as one."""
    same_pairs: int
    """Pairs of detections known to show one animal, answered and implied."""
    open_pairs: int | None
    """Candidate pairs that were open when the present round was planned; None before the first."""
    estimated_remaining_pairs: float | None
    """Expected pairs still to be found among them, an estimate; None before there are enough answers."""
    answers_per_minute: float | None
    """Over the last hour of labels; None before there are two."""
    summary: str
    """The state as a sentence."""
    position: int
    """Number of events in the journal."""
    merges_left_at_most: int | None
    """At most this many groups are still to be merged, with 95 % confidence, if every answer so far is
    right (a hypergeometric test over the answers in the order asked); None in the result of a write."""
    guarantees: tuple[StopGuarantee, ...]
    """Whether it is safe to stop, by target; empty in the result of a write."""
    audit: Audit | None
    """The random audit; None before its first answer."""
    trust: Trust | None
    """How far answers are believed now."""
    pending: int
    """Group pairs whose answers do not suffice yet; they are asked again."""
    checks: int
    """Answers that checked earlier ones."""
    annotators: tuple[AnnotatorProgress, ...]
    """Who answered, by id; empty in the result of a write."""
    agreement: float | None
    """Share of checks by two annotators, or by one twice, that gave the same answer; None without any."""
    kappa: float | None
    """The agreement beyond chance (Cohen's kappa); None if it is not defined."""
