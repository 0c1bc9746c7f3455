"""Known vulnerabilities of everything that the lock files pin, according to the service of pip-audit.

    python -m tools.audit

Exits with 0 if none is known, 1 if there are some, each listed, and 3 if the service could not
be asked or does not know a package, which is said in a line: then nothing is known of these.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

from tools.licences import REQUIREMENTS, locks

NONE_KNOWN, KNOWN, NOT_ASKED = 0, 1, 3
WAIT_S = 15


def audited(lock: str) -> dict[str, Any] | str:
    """Known vulnerabilities of the packages of a lock file, or the last message if the service failed."""
    command = [sys.executable, "-m", "pip_audit", "--format=json", "--progress-spinner=off", "--no-deps"]
    command += ["--disable-pip", f"--timeout={WAIT_S}", f"--requirement={REQUIREMENTS / lock}.lock"]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    try:
        reports: dict[str, Any] = json.loads(done.stdout)
    except ValueError:
        lines = done.stderr.strip().splitlines()
        return lines[-1] if lines else f"pip-audit ended with status {done.returncode}"
    return reports


def vulnerable(reports: dict[str, Any]) -> Iterator[str]:
    """Each vulnerability in a line."""
    for package in reports["dependencies"]:
        for found in package.get("vulns", []):
            fixed = ", ".join(found["fix_versions"]) or "no version"
            yield f"{package['name']} {package['version']}: {found['id']}, fixed in {fixed}"


def skipped(reports: dict[str, Any]) -> Iterator[str]:
    """Each package that the service knows nothing of."""
    for package in reports["dependencies"]:
        if "skip_reason" in package:
            yield package["name"]


def judged(reports: dict[str, dict[str, Any] | str]) -> tuple[int, str]:
    """The status of what is known of each lock file, and the words that say so."""
    unasked = [words for words in reports.values() if isinstance(words, str)]
    if unasked:
        return NOT_ASKED, f"vulnerabilities were NOT looked up, the service could not be asked ({unasked[0]})"
    known = [of_lock for of_lock in reports.values() if not isinstance(of_lock, str)]
    found = sorted({line for of_lock in known for line in vulnerable(of_lock)})
    if found:
        return KNOWN, "\n".join(found)
    unknown = sorted({package for of_lock in known for package in skipped(of_lock)})
    if unknown:
        few = ", ".join(unknown[:5])
        return NOT_ASKED, f"{len(unknown)} packages were NOT looked up, the service does not know them: {few}"
    return NONE_KNOWN, "no known vulnerability"


def main() -> int:
    """Audit every lock file; answers the status."""
    status, words = judged({lock: audited(lock) for lock in locks()})
    print(words)
    return status


if __name__ == "__main__":
    sys.exit(main())
