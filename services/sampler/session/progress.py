"""Progress of a session: counts, guarantees and a summary to read."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections import Counter
from collections.abc import Sequence

from services.sampler.session.label_checks import require_retractable
from services.sampler.session.sessions import Sessions
from services.sampler.session.state import SessionState
from spotted.constraints.answers import Answer
from spotted.constraints.trust import Trust
from spotted.counting import pairs_within
from spotted.sampling import audit as auditing
from spotted.sampling import stopping
from spotted.v1 import sampler_pb2 as pb

RATE_WINDOW_S = 3600.0
CONFIDENCE = 0.95
# annotators in one answer, about 100 bytes each
MOST_ANNOTATORS = 10_000


def quick_progress(state: SessionState, position: int) -> pb.Progress:
    """The counts by the labels, cheap enough to send with every answer."""
    constraints, planned = state.constraints, state.planned
    members = state.roster.foreign - state.roster.gone
    progress = pb.Progress(
        detections=constraints.living_items - len(members),
        same=state.counts.answers[pb.ANSWER_SAME],
        different=state.counts.answers[pb.ANSWER_DIFFERENT],
        not_comparable=state.counts.answers[pb.ANSWER_NOT_COMPARABLE],
        skipped=state.counts.answers[pb.ANSWER_SKIP],
        individuals=len(state.identity.register) if state.roster.foreign else constraints.component_count,
        # those among the members of an animal of the catalogue are not of this survey
        same_pairs=constraints.positives
        - pairs_within([*Counter(map(constraints.component_of, members)).values()]),
        open_pairs=planned.open_pairs if planned else None,
        estimated_remaining_pairs=planned.expected_pairs if planned else None,
        answers_per_minute=_rate(state.counts.times_s),
        position=position,
        trust=pb.TRUST_VERIFIED if state.trust is Trust.VERIFIED else pb.TRUST_SINGLE,
    )
    progress.pending, progress.checks = constraints.pending_count, constraints.check_count
    if constraints.conflict_count is not None:
        progress.conflicts = constraints.conflict_count
    progress.summary = _summary(progress)
    return progress


def full_progress(state: SessionState, position: int) -> pb.Progress:
    """The counts, the guarantees, the audit and the annotators."""
    progress = quick_progress(state, position)
    constraints = state.constraints
    progress.conflicts = len(constraints.contradictions)
    present = state.queue.round
    seen = stopping.outlook(
        constraints.decisions().merged,
        constraints.open_component_pairs,
        components=constraints.component_count,
        names=constraints.name_count,
        confidence=CONFIDENCE,
        expected=present.expected if present else None,
    )
    progress.merges_left_at_most = seen.merges_left_at_most
    for target, reached in seen.safe.items():
        progress.guarantees.add(target=target, reached=reached)
    _add_audit(progress, state)
    _add_annotators(progress, state)
    progress.summary = _summary(progress)
    return progress


def preview_retraction(
    sessions: Sessions, survey_id: str, session_id: str, retracted: pb.LabelsRetracted
) -> pb.Progress:
    """The progress as it would be without these labels; nothing changes.

    Raises NotFoundError and PreconditionError as the retraction does.
    """

    def look(state: SessionState, position: int) -> tuple[SessionState, int]:
        require_retractable(retracted.label_ids, state)
        return state.copied(), position

    # while the copy is changed others may read and answer
    after, position = sessions.current(survey_id, session_id).view(look)
    after.apply(pb.SessionEvent(retracted=retracted).SerializeToString())
    return full_progress(after, position)


def _add_audit(progress: pb.Progress, state: SessionState) -> None:
    gone = state.roster.gone
    left = (pair for pair in state.audit.pairs if gone.isdisjoint(pair))
    known = [answer for pair in left if (answer := state.constraints.implied(*pair)) is not None]
    if known:
        same, open_pairs = known.count(Answer.SAME), state.audit.open_pairs
        at_most = auditing.bound(len(known), same, open_pairs, confidence=CONFIDENCE)
        progress.audit.CopyFrom(
            pb.Audit(answered=len(known), same=same, open_pairs=open_pairs, same_at_most=at_most)
        )


def _add_annotators(progress: pb.Progress, state: SessionState) -> None:
    constraints = state.constraints
    most = sorted(state.counts.times_of.items(), key=lambda item: (-len(item[1]), item[0]))[:MOST_ANNOTATORS]
    for annotator_id, times_s in sorted(most):
        one = pb.AnnotatorProgress(
            annotator_id=annotator_id, answers=len(times_s), answers_per_minute=_rate(times_s)
        )
        rates = constraints.error_rates(annotator_id)
        if rates is not None:
            one.false_same_rate, one.false_different_rate = rates.false_same, rates.false_different
        progress.annotators.append(one)
    repeated = constraints.repeat_agreement()
    if repeated is not None:
        if not math.isnan(repeated.alike):
            progress.agreement = repeated.alike
        if not math.isnan(repeated.kappa):
            progress.kappa = repeated.kappa


def _rate(times_s: Sequence[float]) -> float | None:
    """Answers per minute over the last hour of labels; None before the second."""
    if not times_s:
        return None
    start = bisect_left(times_s, times_s[-1] - RATE_WINDOW_S)
    span_s = times_s[-1] - times_s[start]
    return (len(times_s) - start - 1) / span_s * 60.0 if span_s > 0 else None


def _summary(progress: pb.Progress) -> str:
    answers = progress.same + progress.different + progress.not_comparable + progress.skipped
    parts = [f"{answers} answers, {progress.individuals} individuals among {progress.detections} detections"]
    if progress.conflicts:
        parts.append(f"{progress.conflicts} conflicts to look at")
    if progress.pending:
        parts.append(f"{progress.pending} decisions wait for another answer")
    if progress.HasField("open_pairs"):
        parts.append(f"{progress.open_pairs} candidate pairs were open when the round was planned")
    if progress.HasField("estimated_remaining_pairs"):
        expected = f"{progress.estimated_remaining_pairs:.0f}"
        parts.append(f"about {expected} matching pairs expected among them (an estimate, not a guarantee)")
    if progress.HasField("merges_left_at_most"):
        parts.append(f"at most {progress.merges_left_at_most} merges left (95 %, if the answers are right)")
    safe = [one.target for one in progress.guarantees if one.reached]
    if safe:
        parts.append(f"at least {max(safe):.0%} of all merges are known (95 %)")
    if progress.HasField("audit"):
        audit = progress.audit
        parts.append(
            f"a random audit of {audit.answered} of {audit.open_pairs} open pairs found {audit.same}: "
            f"at most {audit.same_at_most} expected matches left (95 %)"
        )
    return "; ".join(parts) + "."
