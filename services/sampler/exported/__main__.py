"""`python -m services.sampler.exported FILE`: print what follows from an exported session, line by line."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from services.sampler.exported.lines import state_lines
from spotted.errors import SpottedError

FAILED = 1


def main() -> None:
    """Print the session, its progress and its individuals."""
    parser = argparse.ArgumentParser(prog="python -m services.sampler.exported", description=__doc__)
    parser.add_argument("file", type=Path, help="File that `spotted session export` wrote")
    arguments = parser.parse_args()
    try:
        with arguments.file.open(encoding="utf-8", errors="replace") as journal:
            for line in state_lines(journal):
                sys.stdout.write(f"{line}\n")
    except SpottedError as error:
        sys.stdout.write(json.dumps({"error": str(error)}) + "\n")
        sys.exit(FAILED)


if __name__ == "__main__":
    main()
