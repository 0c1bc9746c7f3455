"""Whether the individuals of a session may be counted yet."""

from __future__ import annotations

import getpass

from spotted.client import Progress, SessionHandle
from spotted.console import with_unit
from spotted.errors import PermissionDeniedError

# the share of all merges that has to be known; below it, photographs of one animal count as several
SHARE = 0.95
# looking for an open question leases it, for as short a time as that takes
LEASE_S = 1.0


def find_unfinished(session: SessionHandle) -> str:
    """Why the individuals of a session are not final; "" if they are.

    They are final if no decision waits for another answer, and either at least SHARE of all merges are known,
    with 95 % confidence, or no question is left.
    """
    state = session.progress()
    return "" if is_certain(state) or (not state.pending and _asked_out(session, state)) else describe(state)


def is_certain(state: Progress) -> bool:
    """Whether SHARE of all merges are known and no decision waits for another answer."""
    return not state.pending and any(one.reached and one.target >= SHARE for one in state.guarantees)


def describe(state: Progress) -> str:
    """The state of an unfinished session."""
    individuals = with_unit(state.individuals, "individual")
    parts = [f"it has {individuals} among {with_unit(state.detections, 'detection')}"]
    if state.merges_left_at_most:
        parts.append(
            f"up to {state.merges_left_at_most} of the individuals may be an animal that is counted already, "
            "with 95 % confidence"
        )
    if state.pending:
        parts.append(f"{with_unit(state.pending, 'decision')} without enough answers")
    return "; ".join(parts)


def _asked_out(session: SessionHandle, state: Progress) -> bool:
    """Whether whoever answered most has answered every question; False if the caller may not ask."""
    busiest = max(state.annotators, key=lambda one: one.answers, default=None)
    annotator_id = busiest.annotator_id if busiest else getpass.getuser()
    try:
        questions = session.next_pairs(annotator_id, lease_s=LEASE_S)
    except PermissionDeniedError:
        return False
    return questions.finished
