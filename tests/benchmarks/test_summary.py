from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks import summary
from benchmarks.common import report
from benchmarks.common.report import Bar


def test_all_results_stand_beside_their_bars(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(report, "RESULTS", tmp_path)
    assert summary.main(tmp_path) == 1, "nothing was measured"
    report.write("scorer", {}, [Bar("ratio of one [query]", 1.1, most=1.3)])
    report.write("pooling", {}, [])
    report.write("soak-quick", {}, [Bar("answers", 1.0, least=2)])
    capsys.readouterr()
    assert summary.main(tmp_path) == 0
    shown = capsys.readouterr().out
    for text in ("scorer", "ratio of one [query]", "1.100", "at most 1.3", "held", "without bars: pooling"):
        assert text in shown
    assert "answers" not in shown, "quick runs say nothing"
    report.write("embedder", {}, [Bar("share", 0.8, least=0.9)])
    assert summary.main(tmp_path) == 1
    assert "MISSED" in capsys.readouterr().out
