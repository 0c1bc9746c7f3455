"""The pages of the Python reference: one for each public room of `spotted`, made while the site is built.

MkDocs calls `on_config` and `on_files` (mkdocs.yml, `hooks`). A new package or module appears by itself.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from mkdocs.structure.files import File, Files

if TYPE_CHECKING:
    from mkdocs.config.defaults import MkDocsConfig

ROOT = Path(__file__).resolve().parent.parent
# programs, generated code, and modules that only Spotted itself uses
INTERNAL = frozenset({"cli", "console", "demo", "lazy", "messages", "v1"})


def rooms() -> Iterator[str]:
    """The dotted names of the packages and modules that users import, in alphabetical order."""
    yield "spotted"
    for path in sorted((ROOT / "spotted").iterdir(), key=lambda path: path.stem):
        is_room = (path / "__init__.py").is_file() or (path.suffix == ".py" and path.stem != "__init__")
        if is_room and path.stem not in INTERNAL:
            yield f"spotted.{path.stem}"
    yield "spotted.sampling.strategies"


def page(room: str) -> str:
    """The source of a room's page."""
    return f"# {room}\n\n::: {room}\n"


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
        files.append(File.generated(config, f"python/{room}.md", content=page(room)))
    return files
