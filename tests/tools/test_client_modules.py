from __future__ import annotations

from pathlib import Path

import pytest

from tools.client_modules import client_modules

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A client with a room that needs a package, and what it stands on."""
    files = {
        "spotted/__init__.py": "",
        "spotted/survey.py": "import math",
        "spotted/scoring/__init__.py": "",
        "spotted/scoring/fusion.py": "import numpy",
        "spotted/scoring/other.py": "",
        "spotted/heavy/__init__.py": "import scipy.stats",
        "spotted/heavy/room.py": "",
        "spotted/client/__init__.py": "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import scipy",
        "spotted/client/calls.py": "import grpc\nfrom google.rpc import status_pb2",
        "spotted/client/lazy.py": "def later():\n    import scipy",
        "spotted/client/tried.py": "try:\n    import torch\nexcept ImportError:\n    pass",
        "spotted/client/thick.py": "from spotted.heavy import room",
        "spotted/client/thin.py": "from spotted.errors import Failure",
        "spotted/errors.py": "class Failure(Exception): ...",
    }
    for name, text in files.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return tmp_path


def test_a_module_belongs_to_the_client_if_loading_it_needs_only_grpc_and_numpy(tree: Path) -> None:
    found = {path.relative_to(tree / "spotted").as_posix() for path in client_modules(tree)}
    assert found == {
        "__init__.py",
        "client/__init__.py",
        "client/calls.py",
        "client/lazy.py",
        "client/thin.py",
        "errors.py",
        "scoring/__init__.py",
        "scoring/fusion.py",
        "survey.py",
    }


def test_the_client_of_this_tree_has_its_handles_and_no_file_format() -> None:
    found = {path.relative_to(ROOT).as_posix() for path in client_modules(ROOT)}
    for module in ("client/spotted.py", "client/session_handle.py", "client/oracle.py", "v1/scorer_pb2.py"):
        assert f"spotted/{module}" in found
    assert not any(path.startswith(("spotted/formats/", "spotted/cli/", "spotted/local/")) for path in found)
