"""How far a session is, in numbers and in words."""

from __future__ import annotations

from bisect import bisect_left

from services.sampler.planning import Planner
from services.sampler.scoring import SurveyScores
from services.sampler.sessions import Sessions
from services.sampler.state import SessionState
from spotted.sampling.candidates import open_rows
from spotted.stopping import estimate_remaining, merges_left
from spotted.v1 import sampler_pb2 as pb

RATE_WINDOW_S = 3600.0
CONFIDENCE = 0.95


def quick_progress(state: SessionState, position: int) -> pb.Progress:
    """What the labels alone say."""
    constraints = state.constraints
    progress = pb.Progress(
        detections=constraints.items,
        same=state.answers[pb.ANSWER_SAME],
        different=state.answers[pb.ANSWER_DIFFERENT],
        not_comparable=state.answers[pb.ANSWER_NOT_COMPARABLE],
        skipped=state.answers[pb.ANSWER_SKIP],
        conflicts=len(constraints.contradictions),
        individuals=constraints.component_count,
        same_pairs=constraints.positives,
        answers_per_minute=_rate(state),
        position=position,
    )
    progress.summary = _in_words(progress)
    return progress


def full_progress(sessions: Sessions, planner: Planner, survey_id: str, session_id: str) -> pb.Progress:
    """What the labels say, and what may be left among the candidates. Raises NotFoundError."""
    folded = sessions.folded(survey_id, session_id)
    session, planned, known = folded.view(lambda s, _: (s.session, s.planned, s.detection_ids[:1]))
    if planned is None:
        return folded.view(quick_progress)
    # read before the look, which keeps answers waiting
    scores = planner.kept(session, known, planned.top_k)
    return folded.view(lambda state, position: _with_outlook(state, position, scores))


def _with_outlook(state: SessionState, position: int, scores: SurveyScores) -> pb.Progress:
    progress = quick_progress(state, position)
    if not scores.detections.keys() <= state.item_of.keys():
        # detections that came since the last round join with the next one
        return progress
    graph = scores.graph(state.item_of)
    progress.open_pairs = int(open_rows(graph, state.constraints).sum())
    estimate = estimate_remaining(graph, state.constraints)
    if estimate is not None:
        progress.estimated_remaining_pairs = estimate.image_pairs
    decisions = state.constraints.decisions()
    progress.merges_left_at_most = merges_left(
        decisions.merged, state.constraints.open_component_pairs, confidence=CONFIDENCE
    )
    progress.summary = _in_words(progress)
    return progress


def _rate(state: SessionState) -> float | None:
    """Answers per minute over the last hour of labels; None before there are two."""
    times = state.label_times_s
    if not times:
        return None
    start = bisect_left(times, times[-1] - RATE_WINDOW_S)
    span_s = times[-1] - times[start]
    return (len(times) - start - 1) / span_s * 60.0 if span_s > 0 else None


def _in_words(progress: pb.Progress) -> str:
    answers = progress.same + progress.different + progress.not_comparable + progress.skipped
    words = f"{answers} answers, {progress.individuals} individuals among {progress.detections} detections"
    if progress.conflicts:
        words += f", {progress.conflicts} conflicts to look at"
    if progress.HasField("open_pairs"):
        words += f"; {progress.open_pairs} candidate pairs open"
    if progress.HasField("estimated_remaining_pairs"):
        words += (
            f"; about {progress.estimated_remaining_pairs:.0f} matching pairs expected among them "
            "(an estimate, not a guarantee)"
        )
    if progress.HasField("merges_left_at_most"):
        words += f"; at most {progress.merges_left_at_most} merges left (95 %, if the answers are right)"
    return words + "."
