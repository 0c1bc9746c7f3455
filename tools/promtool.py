"""Prometheus' own checker of rules, taken from Debian's package if it is not installed.

`python -m tools.promtool` puts it beside this Python; nothing is installed into the system.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

# Debian 12's
PACKAGE = "prometheus"
BESIDE = Path(sys.executable).parent / "promtool"


def find() -> str | None:
    """Path of promtool: on the path, or next to this Python; None if it is in neither."""
    return shutil.which("promtool") or (str(BESIDE) if BESIDE.is_file() else None)


def fetch() -> None:
    """Unpack promtool from Debian's package. Raises CalledProcessError if apt cannot fetch it."""
    with tempfile.TemporaryDirectory() as directory:
        subprocess.run(["apt-get", "download", "--quiet", PACKAGE], cwd=directory, check=True)
        (package,) = Path(directory).glob("*.deb")
        subprocess.run(["dpkg", "--extract", package.name, "."], cwd=directory, check=True)
        shutil.copy(Path(directory) / "usr" / "bin" / "promtool", BESIDE)


if __name__ == "__main__":
    if find() is None:
        fetch()
    print(find())
