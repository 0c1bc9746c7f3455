"""Messages for the effect of a label and for what it contradicts."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from services.common.rpc import checks
from spotted.constraints.answers import LabelOutcome
from spotted.constraints.explanation import Explanation
from spotted.constraints.interface import Constraints
from spotted.facts.kinds import Fact, Source
from spotted.v1 import sampler_pb2 as pb
from spotted.v1 import survey_pb2
from spotted.v1.session_facts_pb2 import Evidence, EvidenceSource

# labels, and evidence, that explain one conflict, and all explanations in the answer to one call
CONFLICT_BYTES, OUTCOMES_BYTES = 64 * 1024, 512 * 1024
# characters of a note in the text of a conflict; the labels have all of it
NOTE_LETTERS = 80

_SAID = {pb.ANSWER_SAME: "are one animal", pb.ANSWER_DIFFERENT: "are two animals"}


@dataclass(frozen=True, slots=True)
class Naming:
    """The labels and detections that constraints refer to by id or number."""

    labels: Mapping[str, pb.Label]
    """The labels not retracted, by id."""
    detection_ids: Sequence[str]
    """The id of each item."""

    def evidence(self, fact: Fact) -> Evidence:
        """A fact as a message."""
        first, second = (self.detection_ids[item] for item in (fact.first, fact.second))
        return Evidence(
            source=EvidenceSource.ValueType(fact.source),
            pair=survey_pb2.Pair(first_detection_id=first, second_detection_id=second),
            names=fact.names,
        )


def outcome_message(label_id: str, outcome: LabelOutcome, naming: Naming) -> pb.LabelOutcome:
    """The outcome of a label when it was applied."""
    message = pb.LabelOutcome(
        label=naming.labels.get(label_id),
        effect=pb.LabelEffect.ValueType(outcome.effect),
        implied_same_pairs=outcome.implied_same,
    )
    if outcome.explanation is not None:
        message.conflict.CopyFrom(conflict(label_id, outcome.explanation, naming))
    return message


def conflict(label_id: str, explanation: Explanation, naming: Naming) -> pb.Conflict:
    """A label, and the smallest set of labels and facts that contradicts it."""
    found = [naming.labels[i] for i in explanation.label_ids if i in naming.labels]
    reasons = found[: checks.fitting([label.ByteSize() for label in found], CONFLICT_BYTES)]
    facts = [naming.evidence(fact) for fact in explanation.facts]
    evidence = facts[: checks.fitting([fact.ByteSize() for fact in facts], CONFLICT_BYTES)]
    label = naming.labels.get(label_id, pb.Label(label_id=label_id))
    left_out = len(found) - len(reasons) + len(facts) - len(evidence)
    return pb.Conflict(
        label=label,
        explanation=reasons,
        evidence=evidence,
        message=_conflict_text(label, reasons, evidence, left_out),
    )


def conflicts(constraints: Constraints, naming: Naming) -> list[pb.Conflict]:
    """The labels that contradict earlier ones or facts, oldest first, then facts that do."""
    found = [conflict(one.label.label_id, one.explanation, naming) for one in constraints.contradictions]
    return found + [fact_conflict(fact, naming) for fact in constraints.refused_facts]


def fact_conflict(fact: Fact, naming: Naming) -> pb.Conflict:
    """A fact that was left out because earlier facts contradict it."""
    evidence = naming.evidence(fact)
    if fact.source is Source.KNOWN:
        against = "other evidence says that they are two animals: one image shows both"
        remedy = "correct one of the names"
    else:
        against = "they are two animals by their names or by an image"
        remedy = "correct the encounter or a name"
    text = f"{_evidence_text(evidence)}, but {against}; {remedy}"
    return pb.Conflict(evidence=[evidence], message=text)


def shorten(outcomes: list[pb.LabelOutcome]) -> list[pb.LabelOutcome]:
    """The outcomes, the last conflicts without explanation if they would not fit into one answer."""
    size = 0
    for outcome in outcomes:
        size += outcome.conflict.ByteSize()
        if outcome.HasField("conflict") and size > OUTCOMES_BYTES:
            outcome.conflict.ClearField("explanation")
            outcome.conflict.ClearField("evidence")
            outcome.conflict.message = "see the session's conflicts"
    return outcomes


def _conflict_text(
    label: pb.Label, reasons: Sequence[pb.Label], evidence: Sequence[Evidence], left_out: int
) -> str:
    said = _SAID.get(label.answer, "are unclear")
    pair = f"{label.first_detection_id} and {label.second_detection_id}"
    against = [
        f"{r.first_detection_id} and {r.second_detection_id} {_SAID.get(r.answer, '')} ({_who(r)})"
        for r in reasons
    ]
    against += map(_evidence_text, evidence)
    if left_out:
        against.append(f"and {left_out} more")
    remedy = _remedy(reasons, evidence)
    return f"{_who(label)} says that {pair} {said}, against: {'; '.join(against)}; {remedy}"


def _who(label: pb.Label) -> str:
    """The annotator of a label, with the beginning of their note."""
    if not label.note:
        return label.annotator_id
    return f"{label.annotator_id}, {textwrap.shorten(label.note, NOTE_LETTERS, placeholder=' ...')!r}"


def _remedy(labels: Sequence[pb.Label], evidence: Sequence[Evidence]) -> str:
    sources = {int(fact.source) for fact in evidence}
    if Source.KNOWN in sources:
        return "retract a label, or correct a name and read the known names again"
    if Source.ENCOUNTER in sources:
        return "retract a label, or correct the encounter and read the known names again"
    return "retract one of these labels" if labels else "retract the label"


def _evidence_text(evidence: Evidence) -> str:
    """A fact as a clause, with its source."""
    first, second = evidence.pair.first_detection_id, evidence.pair.second_detection_id
    match evidence.source:
        case Source.KNOWN if len(evidence.names) == 1:
            return f"{first} and {second} are both named {evidence.names[0]} (known)"
        case Source.KNOWN:
            return f"{first} is named {evidence.names[0]} and {second} {evidence.names[1]} (known)"
        case Source.ENCOUNTER:
            return f"{first} and {second} are of encounter {evidence.names[0]} (encounter)"
    return f"one image shows {first} and {second} (image)"
