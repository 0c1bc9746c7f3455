"""Tables of results as Markdown."""

from __future__ import annotations

from collections.abc import Sequence


def grid(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table with a line for each row."""
    lines = [columns, ["---"] * len(columns), *rows]
    return "".join("| " + " | ".join(line) + " |\n" for line in lines)


def shown(value: float, low: float, high: float, *, sign: str = "") -> str:
    """A value with its interval. sign: "+" for a difference."""
    return f"{value:{sign}.3f} ({low:{sign}.3f} to {high:{sign}.3f})"
