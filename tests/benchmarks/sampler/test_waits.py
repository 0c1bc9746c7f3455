from __future__ import annotations

import json
import subprocess
import sys

import pytest

from benchmarks.common.report import RESULTS
from benchmarks.sampler.journal import refreshes_s
from spotted import messages
from spotted.v1 import sampler_pb2 as pb
from tests.waiting import PATIENCE_S


def _labelled(at_s: float) -> pb.SessionEvent:
    label = pb.LabelsGiven(labels=[pb.Label(answer=pb.ANSWER_SAME)])
    return pb.SessionEvent(create_time=messages.timestamp(at_s), labelled=label)


def _planned(at_s: float) -> pb.SessionEvent:
    return pb.SessionEvent(create_time=messages.timestamp(at_s), planned=pb.PlannedRound(renew_after=2))


def test_a_refresh_lasts_from_the_answer_that_made_the_round_stale_to_the_next_round() -> None:
    events = [_planned(1.0), _labelled(2.0), _labelled(3.0), _labelled(4.0), _planned(7.5), _labelled(8.0)]
    assert refreshes_s(events) == [4.5]


def test_the_first_round_is_no_refresh() -> None:
    assert refreshes_s([_planned(1.0), _labelled(2.0)]) == []


@pytest.mark.slow
def test_the_smoke_run_answers_with_each_trust_and_opens_a_long_session() -> None:
    path = RESULTS / "sampler_service-quick.json"
    path.unlink(missing_ok=True)
    command = [sys.executable, "-m", "benchmarks.sampler", "--quick"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=PATIENCE_S)
    assert done.returncode == 0, done.stdout + done.stderr
    written = json.loads(path.read_text(encoding="utf-8"))
    for trust in ("verified", "single"):
        assert written[trust]["answers"] > 0
        assert written[trust]["peak_mib"]["planning"] > 0
    assert written["opening"]["events"] > written["opening"]["labels"] == 1000
