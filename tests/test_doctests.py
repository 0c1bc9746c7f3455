"""The examples of the library's docstrings and of the pages run as they are shown."""

from __future__ import annotations

import ast
import doctest
import importlib
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.test_architecture import SCIENCE

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
# packages whose public classes each have an example; the client's values are shown by its handles
SHOWN_FACES = sorted(
    folder
    for folder in (ROOT / "spotted" / room.replace(".", "/") for room in [*SCIENCE, "batch", "testing"])
    if (folder / "__init__.py").is_file()
)
Definition = ast.ClassDef | ast.FunctionDef


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


@pytest.mark.parametrize("face", SHOWN_FACES, ids=lambda face: face.name)
def test_every_public_class_has_an_example(face: Path) -> None:
    """In its docstring or a member's, in another example, or in that of a function that returns it."""
    public = list(public_definitions(face))
    shown = " ".join(word for definition in public for word in examples(definition))
    classes = [definition for definition in public if isinstance(definition, ast.ClassDef)]
    without = [one.name for one in classes if not examples(one) and not re.search(rf"\b{one.name}\b", shown)]
    assert not without, f"add an example to {', '.join(without)}"


def public_definitions(face: Path) -> Iterator[Definition]:
    """The classes and functions that a package exports, with the methods of the classes."""
    tree = ast.parse((face / "__init__.py").read_text())
    for node in ast.walk(tree):
        if not isinstance(node, ast.ImportFrom) or not (node.module or "").startswith("spotted."):
            continue
        names = {alias.name for alias in node.names}
        for one in ast.parse((ROOT / f"{str(node.module).replace('.', '/')}.py").read_text()).body:
            if isinstance(one, ast.ClassDef | ast.FunctionDef) and one.name in names:
                yield one
                yield from (member for member in one.body if isinstance(member, ast.FunctionDef))


def examples(definition: Definition) -> list[str]:
    """The examples in the docstrings of a definition and its members, with what their functions return."""
    nodes = [definition, *(one for one in definition.body if isinstance(one, ast.FunctionDef))]
    found = []
    for node in nodes:
        parts = doctest.DocTestParser().get_examples(ast.get_docstring(node) or "")
        if parts and isinstance(node, ast.FunctionDef) and node.returns:
            found.append(ast.unparse(node.returns))
        found += [part.source + part.want for part in parts]
    return found
