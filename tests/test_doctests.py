"""The examples of the library's docstrings and of the pages run as they are shown."""

from __future__ import annotations

import ast
import doctest
import importlib
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
# a block of Python, with the marker before it if it needs running services
BLOCK = re.compile(r"(<!-- needs services -->\n)?```python\n(.*?)```", re.DOTALL)
SHOWN = [
    pytest.param(code, marker, id=f"{page.name}-{number}")
    for page in PAGES
    for number, (marker, code) in enumerate(BLOCK.findall(page.read_text()), start=1)
]
WITH_EXAMPLES = [
    ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
    for path in sorted((ROOT / "spotted").rglob("*.py"))
    if "v1" not in path.parts and ">>>" in path.read_text()
]


@pytest.mark.parametrize("name", WITH_EXAMPLES)
def test_examples_of_docstrings_print_what_they_show(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    failed, tried = doctest.testmod(importlib.import_module(name))
    assert tried, f"{name} shows >>> outside of a docstring that doctest reads"
    assert not failed


@pytest.mark.parametrize(("code", "marker"), SHOWN)
def test_python_of_the_pages_runs(
    code: str, marker: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    if marker:
        # what it imports must be there
        imports = [node for node in ast.parse(code).body if isinstance(node, ast.Import | ast.ImportFrom)]
        code = "\n".join(map(ast.unparse, imports))
    exec(compile(code, "page", "exec"), {})  # noqa: S102 - the project's own pages
