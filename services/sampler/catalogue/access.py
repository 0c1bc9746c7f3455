"""Who may read a session that draws on other surveys: who may read all of them."""

from __future__ import annotations

from services.common.access.caller import Caller
from spotted.errors import PermissionDeniedError
from spotted.v1 import sampler_pb2 as pb


def require_access(session: pb.Session, caller: Caller) -> None:
    """Raise PermissionDeniedError, naming no survey, unless a caller may read all surveys of a session."""
    if not all(map(caller.sees, session.catalogue_survey_ids)):
        raise PermissionDeniedError(
            f"session {session.session_id!r} draws on surveys that this token is not valid for; use another "
            "token, or a session without them"
        )
