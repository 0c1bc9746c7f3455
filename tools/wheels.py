"""Build the wheels: `spotted` with the default backbone, and `spotted-client`, only the Python client.

    python -m tools.wheels --output out/dist

Both come from this tree. The backbone is the export in --models, which `make models` makes.
"""

from __future__ import annotations

import argparse
import re
import shutil
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Sequence
from pathlib import Path

from spotted.local.models import BUNDLED, DEFAULT_BACKBONE, MANIFEST_FILE
from tools.client_modules import client_modules

ROOT = Path(__file__).resolve().parent.parent
TEXTS = ("README.md", "LICENSE")
IGNORED = shutil.ignore_patterns("__pycache__", "*.pyc")
# what the modules of the client import besides the standard library
CLIENT_NEEDS = ("googleapis-common-protos", "grpcio", "grpcio-status", "numpy", "protobuf")
CLIENT = """\
[build-system]
requires = ["setuptools>=77"]
build-backend = "setuptools.build_meta"

[project]
name = "spotted-client"
version = "{version}"
description = "The Python client of Spotted, the matching back end for wildlife re-identification"
readme = "README.md"
license = "Apache-2.0"
license-files = ["LICENSE"]
requires-python = "{python}"
dependencies = {needs}

[tool.setuptools.packages.find]
include = ["spotted*"]

[tool.setuptools.package-data]
"*" = ["py.typed"]
"""
CLIENT_README = """\
# spotted-client
The Python client of Spotted, with grpcio, protobuf and numpy only. The package `spotted` contains it too;
install one of the two.

```python
from spotted import Spotted

with Spotted(embedder="host:7101", scorer="host:7102", sampler="host:7103") as spotted:
    print([survey.survey_id for survey in spotted.surveys()])
```
"""


def main() -> None:
    """Build both wheels and print their sizes."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--output", type=Path, default=ROOT / "out" / "dist")
    parser.add_argument("--models", type=Path, default=ROOT / "models")
    chosen = parser.parse_args()
    for wheel in (build_full(chosen.output, chosen.models), build_client(chosen.output)):
        print(f"{wheel}: {wheel.stat().st_size / 1e6:.1f} MB")


def build_full(output: Path, models: Path) -> Path:
    """The wheel of everything, with the default backbone; ends with status 1 if that is not exported."""
    backbone = models / DEFAULT_BACKBONE
    if not any(backbone.glob(f"*/{MANIFEST_FILE}")):
        sys.exit(f"backbone {DEFAULT_BACKBONE} is not in {models}; run `make models`")
    with tempfile.TemporaryDirectory() as staging:
        tree = Path(staging)
        for package in ("spotted", "services"):
            shutil.copytree(ROOT / package, tree / package, ignore=IGNORED)
        for file in (*TEXTS, "pyproject.toml"):
            shutil.copy(ROOT / file, tree / file)
        bundled = tree / "spotted" / BUNDLED.name / DEFAULT_BACKBONE
        shutil.rmtree(bundled.parent, ignore_errors=True)
        shutil.copytree(backbone, bundled)
        return _build(tree, output)


def build_client(output: Path) -> Path:
    """The wheel of the client."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    with tempfile.TemporaryDirectory() as staging:
        tree = Path(staging)
        for module in client_modules(ROOT):
            _copy_module(module, tree)
        for file in [ROOT / "spotted" / "py.typed", *(ROOT / "spotted" / "v1").glob("*.pyi")]:
            if file.is_file():
                shutil.copy(file, tree / file.relative_to(ROOT))
        shutil.copy(ROOT / "LICENSE", tree / "LICENSE")
        (tree / "README.md").write_text(CLIENT_README)
        settings = CLIENT.format(
            version=project["version"],
            python=project["requires-python"],
            needs=[need for need in project["dependencies"] if _name(need) in CLIENT_NEEDS],
        )
        (tree / "pyproject.toml").write_text(settings)
        return _build(tree, output)


def _copy_module(path: Path, tree: Path) -> None:
    target = tree / path.relative_to(ROOT)
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(path, target)


def _name(requirement: str) -> str:
    return re.split(r"[^A-Za-z0-9._-]", requirement, maxsplit=1)[0]


def _build(tree: Path, output: Path) -> Path:
    """The wheel of a tree. The packages that build it are those of this environment."""
    made = tree / "made"
    options: Sequence[str] = ("--wheel", "--no-isolation", "--outdir", str(made), str(tree))
    subprocess.run([sys.executable, "-m", "build", *options], check=True, stdout=subprocess.DEVNULL)
    (wheel,) = made.glob("*.whl")
    output.mkdir(parents=True, exist_ok=True)
    return Path(shutil.move(wheel, output / wheel.name))


if __name__ == "__main__":
    main()
