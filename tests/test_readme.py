"""The README and the pages name only files, commands, options and targets that exist."""

from __future__ import annotations

import re
from pathlib import Path

import click
import pytest

from spotted.cli import main

ROOT = Path(__file__).resolve().parent.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
README = PAGES[0].read_text()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_to_a_file_leads_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\((?!http|#)([^)#]+)", page.read_text()):
        assert (page.parent / target).exists(), target


def test_every_command_and_option_of_the_pages_exists() -> None:
    begun = re.compile(r"(?:^|`|&& )spotted (?=[a-z-])([^`\n#&|]+)", flags=re.MULTILINE)
    used = [words.split() for page in PAGES for words in begun.findall(page.read_text())]
    assert len(used) > 60
    for words in used:
        command, rest = named(words)
        assert not isinstance(command, click.Group) or (command is not main and not rest), words


def named(words: list[str]) -> tuple[click.Command, list[str]]:
    """The command that words call, and its arguments; every option among them is one of its own."""
    command: click.Command = main
    rest: list[str] = []
    for word in words:
        called = (
            command.get_command(click.Context(command), word) if isinstance(command, click.Group) else None
        )
        if called is not None:
            command, rest = called, []
        elif word.startswith("-"):
            assert any(word in parameter.opts for parameter in command.params), words
        else:
            rest.append(word)
    return command, rest


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
