"""The notice to an annotator who joins a session in which others have answered."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence

from services.sampler.session.progress import quick_progress
from services.sampler.session.state import SessionState
from spotted.constraints.trust import Trust
from spotted.v1 import sampler_pb2 as pb

# annotators named in a notice
NAMED = 3


def notice_before(state: SessionState, annotator_id: str) -> str:
    """The notice to an annotator without answers; "" if they have some, or nobody has."""
    answered = state.counts.times_of
    return "" if annotator_id in answered else _notice(state, sorted(answered))


def progress_and_notice(given: pb.LabelsGiven) -> Callable[[SessionState, int], tuple[pb.Progress, str]]:
    """The progress after these labels, and a notice if they are the first of an annotator."""
    new = Counter(label.annotator_id for label in given.labels)

    def look(state: SessionState, position: int) -> tuple[pb.Progress, str]:
        times = state.counts.times_of
        first = [who for who, count in new.items() if len(times.get(who, ())) == count]
        others = sorted(times.keys() - new.keys())
        return quick_progress(state, position), _notice(state, others) if first else ""

    return look


def _notice(state: SessionState, others: Sequence[str]) -> str:
    """The text for somebody who joins these annotators; "" if there are none."""
    if not others:
        return ""
    who = ", ".join(others[:NAMED]) + (f" and {len(others) - NAMED} more" if len(others) > NAMED else "")
    if state.trust is Trust.VERIFIED:
        return (
            f"Answers of {who} are in this session. Its trust is verified: yours are weighed together with "
            "theirs, and a decision that they contradict is asked again."
        )
    return (
        f"Answers of {who} are in this session. Its trust is single: yours decide at once as theirs did, and "
        "one that contradicts an earlier answer is kept as a conflict and changes nothing. To have answers "
        "checked against one another, change the session's trust to verified; every decision that stands is "
        "kept."
    )
