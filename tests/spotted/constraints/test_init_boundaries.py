"""Callers of constraints ask by the interface, and the rooms of the package by public names."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
PACKAGE = ROOT / "spotted" / "constraints"
LEVELS = {"Closure", "Constraints", "Partition", "Verified", "LabelOutcome"}


def relative(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def callers() -> Iterator[Path]:
    for folder in ("spotted", "services", "benchmarks", "tools"):
        for path in sorted((ROOT / folder).rglob("*.py")):
            if PACKAGE not in path.parents and "constraints" in path.read_text():
                yield path


def is_private(name: str) -> bool:
    return name.startswith("_") and not name.startswith("__")


@pytest.mark.parametrize("path", list(callers()), ids=relative)
def test_no_caller_asks_for_the_class_of_constraints(path: Path) -> None:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "isinstance":
            named = {n.id for n in ast.walk(node.args[1]) if isinstance(n, ast.Name)}
            assert not named & LEVELS, f"line {node.lineno}: ask by a method of Constraints"


@pytest.mark.parametrize("path", sorted(PACKAGE.glob("*.py")), ids=relative)
def test_no_room_touches_what_is_private_to_another(path: Path) -> None:
    """A private attribute is used only in the module that assigns or defines it."""
    tree = ast.parse(path.read_text())
    used, own = set[str](), set[str]()
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and is_private(node.attr):
            (own if isinstance(node.ctx, ast.Store) else used).add(node.attr)
        elif isinstance(node, ast.FunctionDef | ast.ClassDef):
            own.add(node.name)
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            own.add(node.target.id)
        elif isinstance(node, ast.ImportFrom):
            assert not [alias.name for alias in node.names if is_private(alias.name)]
    assert used <= own
