"""The sources of the review page, with the packages from which it is built."""

from __future__ import annotations

import fcntl
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
FRONT = ROOT / "services" / "review" / "front"
STATIC = ROOT / "services" / "review" / "static"
OLDEST_NODE = 20


def with_packages() -> Path:
    """The folder of the sources, its pinned packages installed; skips if that is impossible here."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if not node or not npm:
        pytest.skip("no node; install node 20 or later with npm to check the built page")
    version = subprocess.run([node, "--version"], capture_output=True, text=True, check=True).stdout
    if int(version.strip().lstrip("v").split(".")[0]) < OLDEST_NODE:
        pytest.skip(f"node {version.strip()} is too old to build the page; install node {OLDEST_NODE}")
    wanted, installed = FRONT / "package-lock.json", FRONT / "node_modules" / ".package-lock.json"
    with wanted.open() as lock:
        # workers share the folder
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not installed.is_file() or installed.stat().st_mtime < wanted.stat().st_mtime:
            done = subprocess.run([npm, "ci"], cwd=FRONT, capture_output=True, text=True, check=False)
            if done.returncode:
                pytest.skip(
                    f"the packages of the page cannot be installed here: {done.stderr.strip()[-300:]}"
                )
    return FRONT
