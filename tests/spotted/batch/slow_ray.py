"""Ray on a machine that is too busy to start it."""

from __future__ import annotations

import gc
import subprocess

import pytest

# Ray's words if a node did not register within 30 s. Its agents, which all import Ray, have 15 s of these. No
# option of `ray.init` changes either limit
TOO_SLOW = "timed out during startup"
# Ray drops the processes of a failed start without waiting for them
dropped_processes = pytest.mark.filterwarnings("ignore:subprocess .* is still running:ResourceWarning")


def skip_if_too_slow(message: str) -> None:
    """Skip the test if Ray's own limit ended the start: the machine is at fault, not Spotted."""
    if TOO_SLOW in message:
        end_leftovers()
        pytest.skip(f"this machine is too busy to start Ray within its fixed limits: {message[:200]}")


def end_leftovers() -> None:
    """End the processes that Ray leaves behind a failed start; nothing of Ray names them."""
    for process in gc.get_objects():
        if issubclass(type(process), subprocess.Popen) and "/ray/" in str(process.args):
            process.kill()
            process.wait()
