"""Ray on a machine that is too busy to start it."""

from __future__ import annotations

import gc
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

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


@contextmanager
def ray_cluster() -> Iterator[None]:
    """Two processes, which all commands in this process use."""
    ray = pytest.importorskip("ray", reason="ray is not installed; it comes with the extra `batch`")
    options = {"num_cpus": 2, "include_dashboard": False, "logging_level": "ERROR", "log_to_driver": False}
    try:
        ray.init(address="local", **options)
    except Exception as error:  # Ray raises no narrower class if the start takes too long
        skip_if_too_slow(str(error))
        raise
    yield
    ray.shutdown()
