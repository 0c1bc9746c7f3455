from __future__ import annotations

import pytest

from services.common.access.caller import ANYONE, Caller
from services.sampler.catalogue.access import require_access
from spotted.errors import PermissionDeniedError
from spotted.v1 import sampler_pb2 as pb


def test_all_surveys_have_to_be_readable_and_none_is_named() -> None:
    drawing = pb.Session(session_id="main", survey_id="2025", catalogue_survey_ids=["2023", "secret"])
    require_access(drawing, ANYONE)
    require_access(drawing, Caller(surveys=("20*", "secret")))
    require_access(pb.Session(session_id="main", survey_id="2025"), Caller(surveys=("2025",)))
    with pytest.raises(PermissionDeniedError, match="use another token") as refused:
        require_access(drawing, Caller(surveys=("20*",)))
    assert "secret" not in str(refused.value)
