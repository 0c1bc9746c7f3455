from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from benchmarks.common.report import RESULTS
from tests.waiting import PATIENCE_S

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("benchmark_models")]

FILES = {"embedder.frames": "embedder-frames"}


def _quick(name: str) -> dict[str, Any]:
    """The results that a benchmark's smoke run writes."""
    path = RESULTS / f"{FILES.get(name, name.removeprefix('embedder.'))}-quick.json"
    path.unlink(missing_ok=True)
    command = [sys.executable, "-m", f"benchmarks.{name}", "--quick"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=PATIENCE_S)
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"written: {path}" in done.stdout
    written: dict[str, Any] = json.loads(Path(path).read_text(encoding="utf-8"))
    return written


def test_the_comparison_times_every_case_of_our_own() -> None:
    written = _quick("embedder")
    (cases,) = written["models"].values()
    served = {f"{way}_{most}" for way in ("unary", "stream") for most in (1, 8, 32)}
    assert set(cases) == {"session", "pipeline", "pipeline_single", "pipeline_wide", "local"} | served
    assert all(found["crops_per_s"] > 0 for found in cases.values())
    assert cases["pipeline"]["share_of_pipeline"] == [1.0, 1.0, 1.0]


def test_frames_are_sent_once_or_for_each_box() -> None:
    written = _quick("embedder.frames")
    three = written["frames"]["1_megapixels_3_boxes"]
    assert set(three) == {"in_process", "one_box_each", "together", "together_fast"}
    assert all(found["frames_per_s"] > 0 for found in three.values())
    apart, together = (three[case]["wire_bytes"] for case in ("one_box_each", "together"))
    assert together < apart / 2.9
    assert written["frames"]["1_megapixels_1_boxes"]["together"]["wire_bytes"] < together


def test_overload_refuses_with_a_delay() -> None:
    written = _quick("embedder.overload")
    assert written["refused"].keys() == {"RESOURCE_EXHAUSTED"}
    assert written["retry_delay_p50_s"] > 0
    # that the queue holds no more than its room is a bar of the full run: here calls on their way count too
    assert written["most_held"] > 0


def test_a_stream_of_good_and_bad_files_gives_each_its_own_answer_in_order() -> None:
    written = _quick("embedder.soak")
    assert written["good"] == 80
    assert written["bad"] == 40
    assert all(bar["held"] for bar in written["bars"])
