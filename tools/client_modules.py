"""The modules of the Python client: all of `spotted.client` that needs no package beyond gRPC and numpy.

Read from the imports at the top of each module; what a function imports for itself belongs to the whole of
Spotted.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

# top-level names of googleapis-common-protos, grpcio, grpcio-status, numpy and protobuf
THIN = frozenset({"google", "grpc", "grpc_status", "numpy"})
# besides the client: the values that it takes and returns
ROOTS = ("spotted", "spotted.survey", "spotted.scoring.fusion")


def client_modules(root: Path) -> list[Path]:
    """The files of the client, sorted. root: the directory of `spotted`."""
    inside = [_module(path, root) for path in (root / "spotted" / "client").rglob("*.py")]
    found: set[Path] = set()
    for module in (*ROOTS, *sorted(inside)):
        needed = _closure(module, root)
        if needed is not None:
            found |= needed
    return sorted(found)


def _closure(module: str, root: Path) -> frozenset[Path] | None:
    """The files that importing a module loads; None if it needs another package."""
    found: set[Path] = set()
    waiting = [module]
    while waiting:
        name = waiting.pop()
        path = _path(name, root)
        if path is None or path in found:
            continue
        found.add(path)
        # a package is loaded before its modules
        package = _module(path, root).rpartition(".")[0]
        waiting += [package] if package else []
        for imported in _imports(path):
            first = imported.partition(".")[0]
            if first == "spotted":
                waiting.append(imported)
            elif first not in THIN and first not in sys.stdlib_module_names:
                return None
    return frozenset(found)


def _path(name: str, root: Path) -> Path | None:
    """The file of a module, or of the module that has a name."""
    base = root.joinpath(*name.split("."))
    candidates = (base.with_suffix(".py"), base / "__init__.py")
    path = next((path for path in candidates if path.is_file()), None)
    return _path(name.rpartition(".")[0], root) if path is None and "." in name else path


def _module(path: Path, root: Path) -> str:
    return ".".join(path.relative_to(root).with_suffix("").parts).removesuffix(".__init__")


@cache
def _imports(path: Path) -> tuple[str, ...]:
    """The names that a module imports when it is loaded."""
    return tuple(_of_statements(ast.parse(path.read_text()).body))


def _of_statements(statements: list[ast.stmt]) -> Iterator[str]:
    for statement in statements:
        if isinstance(statement, ast.Import):
            yield from (alias.name for alias in statement.names)
        elif isinstance(statement, ast.ImportFrom) and statement.module:
            yield from (f"{statement.module}.{alias.name}" for alias in statement.names)
        elif isinstance(statement, ast.If) and "TYPE_CHECKING" not in ast.unparse(statement.test):
            yield from _of_statements([*statement.body, *statement.orelse])
        elif isinstance(statement, ast.Try):
            yield from _of_statements([*statement.body, *statement.orelse, *statement.finalbody])
