"""The README names only what is there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from spotted.cli import main

ROOT = Path(__file__).resolve().parent.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
README = PAGES[0].read_text()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_to_a_file_leads_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\((?!http|#)([^)#]+)", page.read_text()):
        assert (page.parent / target).exists(), target


def test_every_command_and_option_of_the_readme_exists() -> None:
    used = re.findall(r"^spotted (\w+)(.*?)(?:#|$)", README, flags=re.MULTILINE)
    assert len(used) == 7
    for name, rest in used:
        command = main.commands[name]
        options = {option for parameter in command.params for option in parameter.opts}
        assert set(re.findall(r"(?<!\S)--?\w[\w-]*", rest)) <= options


def test_every_make_target_of_the_pages_exists() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), flags=re.MULTILINE))
    for page in PAGES:
        assert set(re.findall(r"(?:`|\$ )make ([a-z-]+)", page.read_text())) <= targets


def test_the_python_of_the_readme_compiles_and_imports_what_there_is() -> None:
    (block,) = re.findall(r"```python\n(.*?)```", README, flags=re.DOTALL)
    compile(block, "README.md", "exec")
    imported = block.split("\n\n", maxsplit=1)[0]
    exec(imported, {})  # noqa: S102 - the README's own import line


def test_the_readme_shows_code_early_and_stays_short() -> None:
    lines = README.splitlines()
    assert len(lines) <= 120
    assert next(number for number, line in enumerate(lines) if "make demo" in line) < 25
