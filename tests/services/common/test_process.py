from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import redis

from services.common import keys
from spotted import local


def test_a_setting_that_cannot_be_used_ends_the_process_with_one_line() -> None:
    environment = {"SPOTTED_WORKERS": "many", "PATH": ""}
    done = subprocess.run(
        [sys.executable, "-m", "services.scorer"],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert "INVALID_INPUT: SPOTTED_WORKERS is 'many'; use a whole number" in line


def test_a_store_of_another_version_ends_the_process_with_one_line(tmp_path: Path) -> None:
    store = local.start_store(tmp_path, local.free_port())
    local.wait(store, tmp_path / "store.log")
    connection = redis.Redis(port=store.port)
    connection.set(keys.VERSION, "999")
    connection.close()
    done = subprocess.run(
        [sys.executable, "-m", "services.scorer"],
        env={
            "SPOTTED_STORE_URL": f"redis://{store.address}/0",
            "SPOTTED_LISTEN": f"127.0.0.1:{local.free_port()}",
            "PATH": "",
        },
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    process = store.process()
    assert process is not None
    process.kill()
    process.wait()
    assert done.returncode == 1
    assert "STORE_VERSION" in done.stderr
    assert "Traceback" not in done.stderr
