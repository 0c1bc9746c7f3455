from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from spotted.errors import PreconditionError
from spotted.local import run_lock
from spotted.local.lock import Owner
from spotted.local.run_lock import exclusive

HOLD = """
import sys
from pathlib import Path
from spotted.local.run_lock import exclusive
with exclusive(Path(sys.argv[1]), "it"):
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.mark.processes
def test_a_second_run_is_refused_with_the_first_and_a_killed_one_is_taken_over(tmp_path: Path) -> None:
    path = tmp_path / "run"
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as first:
        assert first.stdout is not None
        assert first.stdout.readline() == "held\n"
        words = rf"`spotted detect ridge` runs already on .*process {first.pid}, since 20.* UTC\); wait until"
        with pytest.raises(PreconditionError, match=words), exclusive(path, "`spotted detect ridge`"):
            pass
        first.kill()
        first.wait()
        # the record of the killed process is still there
        assert json.loads(path.read_text())["pid"] == first.pid
        with exclusive(path, "it"):
            assert json.loads(path.read_text())["pid"] == os.getpid()
        assert path.read_text() == ""


def test_without_locks_the_record_decides(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run_lock, "try_lock", lambda *_: None)
    path, here = tmp_path / "run", Owner.here()
    for obsolete in ("", "damaged", json.dumps(asdict(replace(here, started_at_s=here.started_at_s - 60)))):
        path.write_text(obsolete)
        with exclusive(path, "it"):
            pass
    for alive in (here, replace(here, host="elsewhere", boot="other", machine="m")):
        path.write_text(json.dumps(asdict(alive)))
        with pytest.raises(PreconditionError, match=f"process {here.pid}"), exclusive(path, "it"):
            pass
