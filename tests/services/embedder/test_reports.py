from __future__ import annotations

import pytest

from services.embedder.reports import NO_REPORTS
from tests.services.embedder.noted import Noted


def test_a_stage_is_reported_once_also_if_it_fails() -> None:
    reports = Noted()
    with reports.timed("decode"):
        pass
    with pytest.raises(ValueError, match="broken"), reports.timed("decode"):
        raise ValueError("broken")
    assert reports.sums == {"decode": 2}


def test_without_a_reader_reports_change_nothing() -> None:
    with NO_REPORTS.timed("infer"):
        NO_REPORTS.waiting(1)
        NO_REPORTS.embedded(0.1, 0.2, 0.3)
