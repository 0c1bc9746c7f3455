from __future__ import annotations

from pathlib import Path

import pytest

from tools.kill_points import kill
from tools.killed_processes import Processes
from tools.killed_session import Tally

pytestmark = pytest.mark.slow


def test_kills_of_sampler_and_store_lose_no_label_and_double_none(tmp_path: Path) -> None:
    tally = Tally()
    with Processes(tmp_path) as processes:
        # raises at the first loss
        kill(processes, 8, 0, tally)
    assert tally.kills.total() == 8
    assert set(tally.kills) == {"sampler", "store"}
    assert tally.labels > 0
    assert tally.repeated > 0
