from __future__ import annotations

import signal
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

from services.review.__main__ import main
from spotted.local.processes import free_port
from tests.waiting import PATIENCE_S, until


def test_a_wrong_setting_ends_the_process_with_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("SPOTTED_LISTEN", "0.0.0.0:7104")
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 1
    assert "SPOTTED_AUTH=tokens" in capsys.readouterr().err


def test_the_process_serves_until_it_is_stopped(tmp_path: Path) -> None:
    port = free_port()
    environment = {"SPOTTED_LISTEN": f"127.0.0.1:{port}", "SPOTTED_DATA_DIR": str(tmp_path)}
    process = subprocess.Popen(
        [sys.executable, "-m", "services.review"], env=environment, cwd=Path(__file__).parents[3]
    )

    def healthy() -> bool:
        assert process.poll() is None
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz") as answer:
                return bool(answer.read() == b"ok")
        except OSError:
            return False

    try:
        until(healthy, "the page answers")
        process.send_signal(signal.SIGTERM)
        assert process.wait(PATIENCE_S) in {0, -signal.SIGTERM}
    finally:
        process.kill()
        process.wait()
