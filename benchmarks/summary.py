"""All results so far beside their bars: `python -m benchmarks.summary`.

Reads what the benchmarks wrote to out/benchmarks/; exits 1 if a bar is missed or nothing was measured. Quick
runs are left out.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path

from benchmarks.common import report
from benchmarks.common.report import Bar

FIELDS = ("words", "value", "least", "most")


def results(folder: Path = report.RESULTS) -> Iterator[tuple[str, list[Bar]]]:
    """The name and the bars of each benchmark whose results are in a folder, in the order of their names."""
    for path in sorted(folder.glob("*.json")):
        if not path.stem.endswith("-quick"):
            found = json.loads(path.read_text(encoding="utf-8"))
            judged = [Bar(**{field: one[field] for field in FIELDS}) for one in found["bars"]]
            yield path.stem, judged


def main(folder: Path = report.RESULTS) -> int:
    """Print all; the exit status."""
    found = list(results(folder))
    report.print_bars([(name, bar) for name, judged in found for bar in judged])
    print("without bars: " + (", ".join(name for name, judged in found if not judged) or "none"))
    if not found:
        print(f"no results in {folder}; run `make benchmark`, or one of its parts")
    return int(not found or not all(bar.held for _, judged in found for bar in judged))


if __name__ == "__main__":
    sys.exit(main())
