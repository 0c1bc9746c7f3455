"""The Python reference of the site: a page for each public package and module of `spotted`.

MkDocs calls `on_config` and `on_files` (mkdocs.yml, `hooks`), so a new package gets a page by itself. Griffe
calls `Docstrings`, which turns the lists and examples of docstrings into Markdown.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import griffe
from mkdocs.structure.files import File, Files

if TYPE_CHECKING:
    from mkdocs.config.defaults import MkDocsConfig

ROOT = Path(__file__).resolve().parent.parent
# programs, generated code, and modules that only Spotted itself uses
INTERNAL = frozenset({"cli", "console", "demo", "lazy", "messages", "v1"})
# a module of a package and its description, such as "gallery   the detections of a survey"
LISTED = re.compile(r"^(\w+(?:, \w+)*) {2,}(\S.*)$")


def rooms() -> Iterator[str]:
    """The dotted names of the packages and modules that users import."""
    yield "spotted"
    for path in sorted((ROOT / "spotted").iterdir(), key=lambda path: path.stem):
        is_room = (path / "__init__.py").is_file() or (path.suffix == ".py" and path.stem != "__init__")
        if is_room and path.stem not in INTERNAL:
            yield f"spotted.{path.stem}"
    yield "spotted.sampling.strategies"


def markdown(docstring: str) -> str:
    """A docstring as Markdown: doctest examples as code, the modules of a package as a list."""
    lines: list[str] = []
    in_example = False
    for line in docstring.splitlines():
        if line.startswith(">>>") and not in_example:
            lines += ["", "```pycon"]
            in_example = True
        elif not line.strip() and in_example:
            lines.append("```")
            in_example = False
        listed = None if in_example else LISTED.match(line)
        lines.append(f"- `{listed[1]}`: {listed[2]}" if listed else line)
    if in_example:
        lines.append("```")
    return "\n".join(lines)


class Docstrings(griffe.Extension):
    """Docstrings as Markdown."""

    def on_object(self, *, obj: griffe.Object, **_: object) -> None:
        """Rewrite the docstring of a module, class, function or attribute."""
        if obj.docstring:
            obj.docstring.value = markdown(obj.docstring.value)


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Put the pages into the navigation, below the entry `Python`."""
    for section in config.nav or []:
        for entry in section.get("Reference", []) if isinstance(section, dict) else []:
            if isinstance(entry, dict) and "Python" in entry:
                entry["Python"] = [{room: f"python/{room}.md"} for room in sorted(rooms())]
    return config


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages to the files of the site."""
    for room in rooms():
        files.append(File.generated(config, f"python/{room}.md", content=f"# {room}\n\n::: {room}\n"))
    return files
