"""Refuse a change of protos/ that would break clients of the last release.

The last release is the newest tag v*; before the first one, the contract's first commit stands in for it.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def main() -> int:
    """Run `buf breaking` against the last release."""
    base = last_release()
    if base is None:
        print("no earlier contract to compare with")
        return 0
    print(f"contract compared with {base}")
    return subprocess.run(
        ["buf", "breaking", "--against", f".git#ref={base}"], cwd=ROOT, check=False
    ).returncode


def last_release() -> str | None:
    """The tag of the last release, else the commit that first held the contract, else None."""
    tags = git("tag", "--list", "v*", "--sort=-version:refname").split()
    if tags:
        return tags[0]
    first = git("log", "--diff-filter=A", "--format=%H", "--", "buf.yaml").split()
    return first[-1] if first else None


def git(*arguments: str) -> str:
    """What a git command prints."""
    return subprocess.run(["git", *arguments], cwd=ROOT, check=True, capture_output=True, text=True).stdout


if __name__ == "__main__":
    sys.exit(main())
