"""Measured points by service and series, kept in a file as soon as each is known."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

Point = Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Points:
    """Points of some series, each at a size.

    file: where they are kept; None for nowhere.
    """

    file: Path | None = None
    of: dict[str, dict[int, Point]] = field(default_factory=dict)

    @classmethod
    def kept(cls, file: Path) -> Points:
        """Those of a file; none if it does not exist."""
        if not file.exists():
            return cls(file)
        found = json.loads(file.read_text(encoding="utf-8"))
        return cls(
            file,
            {
                series: {int(size): point for size, point in points.items()}
                for series, points in found.items()
            },
        )

    def has(self, series: str, size: int) -> bool:
        """Whether a point is known."""
        return size in self.of.get(series, {})

    def measure(self, series: str, size: int, measured: Callable[[], Point]) -> None:
        """Measure a point that is not known, print it and keep it."""
        if self.has(series, size):
            return
        point = measured()
        self.of.setdefault(series, {})[size] = point
        print(f"{series}, {size}: " + ", ".join(f"{k} {v:.4g}" for k, v in point.items()), flush=True)
        if self.file is not None:
            self.file.parent.mkdir(parents=True, exist_ok=True)
            self.file.write_text(json.dumps(self.of, indent=2) + "\n", encoding="utf-8")

    def line(self, series: str, cost: str) -> tuple[list[int], list[float]]:
        """Sizes, ascending, and a cost at each of them."""
        points = sorted(self.of.get(series, {}).items())
        return [size for size, _ in points], [point[cost] for _, point in points]
