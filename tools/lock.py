"""Pin the dependencies of each way to install Spotted into requirements/*.lock.

No hashes: a CPU build of torch of the same version has other bytes at every index.
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
# lock file -> extras; onnxruntime and onnxruntime-gpu never meet in one
LOCKS = {"cpu": ("cpu",), "gpu": ("gpu",), "dev": ("cpu", "train", "export", "batch", "dev")}


def main() -> None:
    """Resolve each lock anew."""
    for lock, extras in LOCKS.items():
        target = f"requirements/{lock}.lock"
        command = [
            sys.executable,
            "-m",
            "piptools",
            "compile",
            "--quiet",
            "--strip-extras",
            "--upgrade",
            "--allow-unsafe",
        ]
        command += ["--no-emit-index-url", "--no-emit-find-links", "--no-emit-trusted-host", "--no-header"]
        command += [f"--extra={extra}" for extra in extras]
        subprocess.run([*command, f"--output-file={target}", "pyproject.toml"], cwd=ROOT, check=True)
        # a local version such as 2.13.0+cpu is not to be had at every index, 2.13.0 is
        path = ROOT / target
        path.write_text(re.sub(r"(==[\w.]+)\+\w+", r"\1", path.read_text()))
        print(f"{target} written")


if __name__ == "__main__":
    main()
