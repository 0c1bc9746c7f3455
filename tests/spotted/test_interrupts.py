"""Ctrl-C at any module that a command loads ends the command without a traceback."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from spotted.interrupts import ended_by_interrupt

# an interrupt that arrives at the moment when a module is loaded
RUN = """
import os, signal, sys
# whoever started the tests in the background may have it ignored
signal.signal(signal.SIGINT, signal.default_int_handler)
class Interrupt:
    def find_spec(self, name, path=None, target=None):
        if name == {module!r}:
            os.kill(os.getpid(), signal.SIGINT)
sys.meta_path.insert(0, Interrupt())
sys.argv = ["spotted", {command!r}, "--data", {directory!r}]
from spotted.__main__ import main
main()
"""


@pytest.mark.parametrize(
    ("module", "command"),
    [("click", "status"), ("spotted.cli.machine", "status"), ("grpc", "up"), ("numpy", "match")],
)
def test_an_interrupt_while_a_command_is_loaded_prints_nothing(
    tmp_path: Path, module: str, command: str
) -> None:
    code = RUN.format(module=module, command=command, directory=str(tmp_path))
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stderr == ""
    assert done.returncode == -signal.SIGINT


def test_python_handles_interrupts_again_afterwards() -> None:
    before = signal.getsignal(signal.SIGINT)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with ended_by_interrupt():
            assert signal.getsignal(signal.SIGINT) == signal.SIG_DFL
        assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        with ended_by_interrupt():
            assert signal.getsignal(signal.SIGINT) == signal.SIG_IGN
    finally:
        signal.signal(signal.SIGINT, before)


def test_other_threads_leave_the_handling_as_it_is() -> None:
    seen = []

    def enter() -> None:
        with ended_by_interrupt():
            seen.append(signal.getsignal(signal.SIGINT))

    thread = threading.Thread(target=enter)
    thread.start()
    thread.join()
    assert seen == [signal.getsignal(signal.SIGINT)]
