"""The README and the pages name only files, commands, options and targets that exist."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import click
import pytest

from spotted.cli import main

ROOT = Path(__file__).resolve().parent.parent
ROOT_PAGES = [ROOT / name for name in ("README.md", "CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md")]
PAGES = [*ROOT_PAGES, *sorted((ROOT / "docs").rglob("*.md"))]
README = ROOT_PAGES[0].read_text()
# `spotted/ranking/gallery.py:top_k`, a step of a walk
STEP = re.compile(r"`([\w/]+\.py):(\w+)`")
# a path of the repository in backticks, and not the name of an image; NAME stands for any
PATH = re.compile(
    r"`((?:spotted/(?!embedder|scorer|sampler|review|upkeep)|(?:services|protos|tests|tools|deploy|benchmarks|docs)/)[\w./-]+)`"
)
# phrases that read as translated; docs/api.md comes from protos/
STILTED = re.compile(r"\(ours\)|\b(?:so many|is none|anew|in words)\b|^#+ What ", re.MULTILINE)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_to_a_file_leads_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\((?!http|#)([^)#]+)", page.read_text()):
        # `make docs` makes the pages of the Python reference, and fails on a dead link to one
        assert target.startswith("python/") or (page.parent / target).exists(), target


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
            assert any(word in (*p.opts, *p.secondary_opts) for p in command.params), words
        else:
            rest.append(word)
    return command, rest


def test_every_make_target_of_the_pages_exists() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), flags=re.MULTILINE))
    for page in PAGES:
        assert set(re.findall(r"(?:`|\$ )make ([a-z-]+)", page.read_text())) <= targets


def test_the_readme_shows_code_early_and_stays_short() -> None:
    lines = README.splitlines()
    assert len(lines) <= 120
    assert next(number for number, line in enumerate(lines) if "make demo" in line) < 25


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_path_in_backticks_exists(page: Path) -> None:
    for path in PATH.findall(page.read_text()):
        assert "NAME" in path or (ROOT / path).exists(), path


def test_every_step_of_the_walks_exists() -> None:
    steps = STEP.findall((ROOT / "docs" / "architecture.md").read_text())
    assert len(steps) > 30
    for path, name in steps:
        definitions = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef
        tree = ast.parse((ROOT / path).read_text())
        assert name in {node.name for node in ast.walk(tree) if isinstance(node, definitions)}, (path, name)


@pytest.mark.parametrize(
    "page", [page for page in PAGES if page.name != "api.md"], ids=lambda page: page.name
)
def test_pages_are_written_in_plain_words(page: Path) -> None:
    assert not STILTED.findall(page.read_text())


CODE = [
    path for part in ("spotted", "services", "benchmarks", "tools") for path in (ROOT / part).rglob("*.py")
]
STILTED_CODE = re.compile(r'\b(?:so many|anew|told|alone)\b|"""(?:What|Of) ')


def test_code_is_described_in_plain_words() -> None:
    described = {path: STILTED_CODE.findall(path.read_text()) for path in CODE if "v1" not in path.parts}
    assert not {str(path.relative_to(ROOT)): found for path, found in described.items() if found}
