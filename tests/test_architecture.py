"""The rules of DESIGN that a reader should be able to rely on."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
# the science: arrays in, arrays out
SCIENCE = {
    "survey",
    "errors",
    "geometry",
    "feasibility",
    "similarity",
    "adaptation",
    "heads",
    "fusion",
    "evidence",
    "logistic",
    "calibration",
    "calibrating",
    "labelled",
    "scoring",
    "bounds",
    "blocks",
    "shortlist",
    "threads",
    "ranking",
    "grouping",
    "visiting",
    "standing",
    "tuning",
    "constraints",
    "explanation",
    "annotators",
    "testimony",
    "cuts",
    "partition",
    "doubts",
    "verified",
    "repair",
    "clustering",
    "stopping",
    "trust",
    "auditing",
    "evaluation",
    "ties",
    "ranks",
    "outcomes",
    "intervals",
    "strata",
    "comparison",
    "hardest",
    "reliability",
    "marks",
    "simulation",
}
SCIENCE_MAY = {"numpy", "scipy", "sklearn", "torch", "spotted"}
FORBIDDEN_IN_SCIENCE = {"os", "time", "pathlib", "logging", "socket", "subprocess", "datetime", "random"}
TORCH_ALLOWED = {"spotted/adaptation.py", "spotted/sampling/retraining.py"}
LONGEST_MODULE = 300
LONGEST_BODY = 40
SERVICES = ("embedder", "scorer", "sampler")
NEVER = re.compile(r"\b(utils?|manager|helper)\b")


def modules(*parts: str) -> Iterator[Path]:
    for part in parts:
        for path in sorted((ROOT / part).rglob("*.py")):
            if "v1" not in path.relative_to(ROOT).parts:
                yield path


def relative(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def imports(path: Path) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def is_science(path: Path) -> bool:
    return path.parent.name == "sampling" or (path.parent.name == "spotted" and path.stem in SCIENCE)


@pytest.mark.parametrize("path", [p for p in modules("spotted") if is_science(p)], ids=relative)
def test_science_knows_only_arrays(path: Path) -> None:
    roots = {name.split(".")[0] for name in imports(path)}
    third_party = {root for root in roots if root not in sys.stdlib_module_names}
    assert third_party <= SCIENCE_MAY
    assert not roots & FORBIDDEN_IN_SCIENCE
    assert "torch" not in roots or relative(path) in TORCH_ALLOWED
    edges = {
        name for name in imports(path) if re.match(r"spotted\.(v1|messages|client|cli|local|camtrapdp)", name)
    }
    assert not edges


@pytest.mark.parametrize("path", list(modules("spotted")), ids=relative)
def test_the_library_does_not_know_the_services(path: Path) -> None:
    assert not {name for name in imports(path) if name.split(".")[0] == "services"}


@pytest.mark.parametrize("path", list(modules("services")), ids=relative)
def test_services_do_not_import_each_other(path: Path) -> None:
    own = path.relative_to(ROOT / "services").parts[0]
    others = {name.split(".")[1] for name in imports(path) if name.startswith("services.")}
    assert others <= {own, "common"}


@pytest.mark.parametrize("path", list(modules("spotted", "services")), ids=relative)
def test_only_the_settings_and_process_modules_read_the_environment(path: Path) -> None:
    if relative(path) in {
        "services/common/process.py",
        "services/embedder/__main__.py",
        "services/embedder/trainer.py",
        "spotted/local.py",
    }:
        return
    assert "os.environ" not in path.read_text()
    assert "getenv" not in path.read_text()


@pytest.mark.parametrize("path", list(modules("spotted", "services")), ids=relative)
def test_modules_and_bodies_fit_a_glance(path: Path) -> None:
    text = path.read_text()
    assert len(text.splitlines()) <= LONGEST_MODULE
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            body = node.body[1:] if ast.get_docstring(node) else node.body
            lines = body[-1].end_lineno - body[0].lineno + 1 if body and body[-1].end_lineno else 0
            assert lines <= LONGEST_BODY, f"{node.name} has {lines} lines"


@pytest.mark.parametrize("path", list(modules("spotted", "services")), ids=relative)
def test_modules_are_named_by_their_idea(path: Path) -> None:
    assert not NEVER.search(path.stem)


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_starts_without_torch(service: str) -> None:
    forbid = (
        "import sys, importlib\n"
        "class Forbid:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        if name.split('.')[0] in {'torch', 'torchvision', 'timm'}:\n"
        "            raise AssertionError(name)\n"
        "sys.meta_path.insert(0, Forbid())\n"
        f"importlib.import_module('services.{service}.__main__')\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", forbid], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_every_module_has_its_tests() -> None:
    missing = []
    for path in modules("spotted", "services"):
        if path.name in {"__init__.py", "__main__.py"}:
            continue
        mirror = ROOT / "tests" / path.relative_to(ROOT).parent / f"test_{path.name}"
        if not mirror.is_file():
            missing.append(relative(path))
    assert not missing
