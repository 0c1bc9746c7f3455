"""Contents of each image, as a CycloneDX bill of materials from its lock file, with licences.

    python -m tools.sbom --output out/sbom

One JSON file an image, valid against the schema of CycloneDX 1.6, and the same for the same lock file.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from tools.licences import REQUIREMENTS, licence, locks

ROOT = REQUIREMENTS.parent
# ways to install Spotted without an image, and what only builds one
NO_IMAGES = frozenset({"build", "cpu", "dev", "gpu"})


def images() -> list[str]:
    """The images, and what further goes into some of them, by their lock files."""
    return [lock for lock in locks() if lock not in NO_IMAGES]


def bill(image: str) -> str:
    """The bill of materials of an image, JSON. Raises ValueError if it is not valid."""
    return licensed(image, components(image))


def components(image: str) -> str:
    """The bill without licences, JSON."""
    command = [sys.executable, "-m", "cyclonedx_py", "requirements", "--output-reproducible"]
    command += ["--pyproject=pyproject.toml", "--sv=1.6", f"requirements/{image}.lock"]
    return subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout


def licensed(image: str, found: str) -> str:
    """The bill of an image with the licences of its components. Raises ValueError if it is not valid."""
    # two seconds of processor time to import, which reading the tests would take in every worker
    from cyclonedx.schema import SchemaVersion  # noqa: PLC0415
    from cyclonedx.validation.json import JsonStrictValidator  # noqa: PLC0415

    made: dict[str, Any] = json.loads(found)
    for component in made["components"]:
        stated = licence(component["name"])
        if stated:
            component["licenses"] = [{"expression": stated}]
    text = json.dumps(made, indent=2)
    fault = JsonStrictValidator(SchemaVersion.V1_6).validate_str(text)
    if fault is not None:
        raise ValueError(f"the bill of {image} is not valid: {fault}")
    return text


def main() -> None:
    """Write one file an image."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--output", type=Path, default=Path("out/sbom"), help="directory")
    output: Path = parser.parse_args().output
    output.mkdir(parents=True, exist_ok=True)
    for image in images():
        text = bill(image)
        path = output / f"{image}.cdx.json"
        path.write_text(text)
        print(f"{path}: {len(json.loads(text)['components'])} components")


if __name__ == "__main__":
    main()
