"""Tasks that engines are given, known to the processes that run them."""

from __future__ import annotations

import os
import signal
import threading
from pathlib import Path

from spotted.errors import InvalidInputError


def noted(directory: Path, number: int) -> None:
    """Leave a file for each time a number was worked on."""
    times = len(list(directory.glob(f"{number}-*")))
    (directory / f"{number}-{times}").touch()


def poisoned(directory: Path, number: int) -> None:
    """Fail at number 3, whatever one does."""
    noted(directory, number)
    if number == 3:
        raise ValueError("a poison block")


def refused(directory: Path, number: int) -> None:
    """Refuse number 1."""
    noted(directory, number)
    if number == 1:
        raise InvalidInputError("no survey")


def deadly(directory: Path, number: int) -> None:
    """End the process at number 2."""
    noted(directory, number)
    if number == 2:
        os._exit(7)


def patient(directory: Path, number: int) -> None:
    """Tell the process's id, and wait for a minute."""
    (directory / f"{number}-{os.getpid()}").touch()
    threading.Event().wait(60)


def hesitant(directory: Path, number: int) -> None:
    """Fail the first time."""
    noted(directory, number)
    if len(list(directory.glob(f"{number}-*"))) == 1:
        raise OSError("not yet")


def killed_once(directory: Path) -> None:
    """Have the process killed from outside, the first time."""
    (directory / f"killed-{os.getpid()}").touch()
    if len(list(directory.glob("killed-*"))) == 1:
        os.kill(os.getpid(), signal.SIGKILL)
