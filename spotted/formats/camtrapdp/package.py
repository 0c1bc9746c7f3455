"""The descriptor of a Camtrap DP package: which file contains which table."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from spotted.errors import InvalidInputError
from spotted.formats.row import absolute_path

DESCRIPTOR = "datapackage.json"
TABLES = ("deployments", "media", "observations")
_VERSION = re.compile(r"camtrap-dp/(\d+\.\d+[\w.-]*)")
_UPGRADE = (
    "export it again as Camtrap DP 1.0 from the program that wrote it, such as Agouti or TRAPPER; or read it "
    "with read_camtrap_dp() of the R package camtraptor and save cameras and detections as two CSV files"
)
# the CSV dialect of Frictionless data packages, without what only a reader chooses
_DIALECT = {
    "quoteChar": '"',
    "doubleQuote": True,
    "header": True,
    "headerRows": [1],
    "commentChar": None,
    "escapeChar": None,
    "skipInitialSpace": False,
    "caseSensitiveHeader": True,
}
_ENCODINGS = {"utf-8", "utf8", "utf-8-sig", "ascii", "us-ascii", "utf-16", "utf16", "utf-16le", "utf-16be"}

Json: TypeAlias = "str | int | float | bool | list[Json] | dict[str, Json] | None"


@dataclass(frozen=True, slots=True)
class Package:
    """A Camtrap DP directory."""

    directory: Path
    """Absolute path of the directory."""
    descriptor: Mapping[str, Json]
    """Content of datapackage.json."""
    files: Mapping[str, tuple[str, ...]]
    """Paths relative to the directory, by resource; URLs included, none for inline data."""

    def table(self, resource: str) -> Path:
        """The path of one of the three tables."""
        return self.directory / self.files[resource][0]

    def delimiter(self, resource: str) -> str:
        """The delimiter that the descriptor declares for a table, "" if it declares none."""
        dialect = self.resource(resource).get("dialect")
        delimiter = dialect.get("delimiter") if isinstance(dialect, dict) else None
        return delimiter if isinstance(delimiter, str) else ""

    def resource(self, name: str) -> Mapping[str, Json]:
        """The resource of a name, as the descriptor describes it."""
        return next((r for r in list_resources(self.descriptor) if r.get("name") == name), {})

    @property
    def version_note(self) -> str | None:
        """A note if the package does not name its version of Camtrap DP."""
        if _VERSION.search(self.text("profile")):
            return None
        return f"{DESCRIPTOR} names no version of Camtrap DP; read as 1.0"

    def text(self, key: str) -> str:
        """A text of the descriptor, "" if it is missing."""
        value = self.descriptor.get(key)
        return value if isinstance(value, str) else ""


def open_package(directory: str | os.PathLike[str]) -> Package:
    """The package in a directory or in its only folder, or the one whose datapackage.json is given.

    Raises InvalidInputError if the descriptor is missing or not JSON, the version is not 1.x, or a table is
    missing, in several files, not local, outside the directory or not in UTF-8.
    """
    root = absolute_path(directory)
    if root.name == DESCRIPTOR:
        root = root.parent
    root = _inner(root)
    descriptor = _descriptor(root / DESCRIPTOR)
    package = Package(root, descriptor, _files(descriptor))
    found = _VERSION.search(package.text("profile"))
    version = found[1] if found else "1.0"
    if not version.startswith("1.") or "rc" in version:
        raise InvalidInputError(
            f"{root / DESCRIPTOR} follows Camtrap DP {version}; {_UPGRADE}", field="profile"
        )
    for table in TABLES:
        _check_table(package, table)
    return package


def _inner(root: Path) -> Path:
    """The folder of the descriptor: an unpacked archive may have an outer folder."""
    if (root / DESCRIPTOR).is_file() or not root.is_dir():
        return root
    inside = [folder for folder in sorted(root.iterdir()) if (folder / DESCRIPTOR).is_file()]
    return inside[0] if len(inside) == 1 else root


def list_resources(descriptor: Mapping[str, Json]) -> list[dict[str, Json]]:
    """The resources of a descriptor."""
    listed = descriptor.get("resources")
    return [r for r in listed if isinstance(r, dict)] if isinstance(listed, list) else []


def _descriptor(path: Path) -> dict[str, Json]:
    try:
        descriptor = json.loads(path.read_bytes())
    except OSError as error:
        raise InvalidInputError(
            f"cannot read {path} ({error.strerror}); give the directory of an unpacked Camtrap DP package"
        ) from error
    except ValueError as error:
        raise InvalidInputError(f"{path} is not JSON: {error}; correct it", field=DESCRIPTOR) from error
    if not isinstance(descriptor, dict):
        raise InvalidInputError(f"{path} is not a JSON object; it must contain `resources`", field=DESCRIPTOR)
    return descriptor


def _files(descriptor: Mapping[str, Json]) -> dict[str, tuple[str, ...]]:
    files: dict[str, tuple[str, ...]] = {}
    for number, resource in enumerate(list_resources(descriptor)):
        path = resource.get("path")
        listed = [path] if isinstance(path, str) else path if isinstance(path, list) else []
        files[str(resource.get("name", number))] = tuple(p for p in listed if isinstance(p, str))
    return files


def _check_table(package: Package, table: str) -> None:
    files = package.files.get(table)
    field = f"resources.{table}.path"
    if not files:
        raise InvalidInputError(
            f"{package.directory / DESCRIPTOR} names no file for {table}; add the resource", field=field
        )
    if len(files) > 1:
        raise InvalidInputError(f"{table} is split into {len(files)} files; join them into one", field=field)
    check_local(package.directory, files[0], field)
    encoding = package.resource(table).get("encoding")
    if encoding is not None and str(encoding).lower() not in _ENCODINGS:
        raise InvalidInputError(f"{files[0]} is encoded in {encoding}; save it in UTF-8", field=field)
    _check_dialect(package, table)


def _check_dialect(package: Package, table: str) -> None:
    dialect = package.resource(table).get("dialect")
    if dialect is None:
        return
    field = f"resources.{table}.dialect"
    if not isinstance(dialect, dict):
        raise InvalidInputError(
            f"the dialect of {table} is not written out; write it into {DESCRIPTOR}", field=field
        )
    other = [key for key, value in dialect.items() if key in _DIALECT and value != _DIALECT[key]]
    if other or len(str(dialect.get("delimiter", ","))) != 1:
        shown = ", ".join(f"{key} {dialect[key]!r}" for key in other or ["delimiter"])
        raise InvalidInputError(
            f"{table} is written with {shown}; save it with one delimiter, a header, and texts in double "
            "quotation marks",
            field=field,
        )


def check_local(directory: Path, path: str, field: str) -> None:
    """Raise InvalidInputError if a resource is a URL or lies outside its package."""
    if "://" in path:
        raise InvalidInputError(f"{path} is a URL; download it and give the path of the file", field=field)
    if not Path(os.path.normpath(directory / path)).is_relative_to(directory):
        raise InvalidInputError(f"{path} lies outside {directory}; move it inside", field=field)
