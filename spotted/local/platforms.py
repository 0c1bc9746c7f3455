"""The systems on which the store and the services run."""

from __future__ import annotations

import sys

from spotted.errors import PreconditionError


def check_platform(platform: str = sys.platform) -> None:
    """Raises PreconditionError with the remedy for Windows, for which there is no build of the store.

    >>> check_platform("linux")
    """
    if platform == "win32":
        raise PreconditionError(
            "the store does not run on Windows; install the Windows Subsystem for Linux (`wsl --install`) "
            "and Spotted within it, or use services on another machine: `spotted --scorer HOST:7102 "
            "--sampler HOST:7103 --embedder HOST:7101 ...`"
        )
