"""Images hold what their services import, and no more; torch only in those that train."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from tests.deploy.images import IMAGES, ROOT, Image, lock_file, packages

every_image = pytest.mark.parametrize("image", IMAGES, ids=lambda image: image.called)
# what a service imports only once it is asked for: heads in the scorer, vectors in an object store, traces
# everywhere, certificates
LATER = {
    "embedder": ["services.common.telemetry.otlp", "obstore"],
    "scorer": ["services.common.telemetry.otlp", "onnxruntime", "obstore"],
    "sampler": ["services.common.telemetry.otlp"],
    "review": ["spotted.formats.sources"],
    "upkeep": ["services.upkeep.certificates", "spotted.cli"],
}
# imports modules in a process that knows only the given packages
CONFINED = """
import importlib, importlib.metadata, re, sys
allowed, wanted = set(sys.argv[1].split()), sys.argv[2].split()
normal = lambda name: re.sub("[-_.]+", "-", name).lower()
owners = importlib.metadata.packages_distributions()
class Confined:
    def find_spec(self, name, path=None, target=None):
        owned = {normal(each) for each in owners.get(name.partition(".")[0], ())}
        if owned and not owned & (allowed | {"spotted"}):
            raise ModuleNotFoundError(f"{name} is not in the image", name=name)
sys.meta_path.insert(0, Confined())
for module in wanted:
    importlib.import_module(module)
"""


def confined(locks: tuple[str, ...], *modules: str) -> subprocess.CompletedProcess[str]:
    """Import modules with only the packages of some locks."""
    allowed = " ".join(package for lock in locks for package in packages(lock))
    return subprocess.run(
        [sys.executable, "-c", CONFINED, allowed, " ".join(modules)],
        cwd=ROOT,
        check=False,
        capture_output=True,
        text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )


@pytest.mark.parametrize("image", [i for i in IMAGES if i.called in LATER], ids=lambda image: image.called)
def test_the_lock_holds_all_that_is_imported(image: Image) -> None:
    done = confined((image.lock,), f"{image.module}.__main__", *LATER[image.called])
    assert done.returncode == 0, f"add to tools/lock.py, then `make lock`: {done.stderr[-500:]}"


def test_a_package_that_is_not_in_the_lock_is_missed() -> None:
    done = confined(("scorer",), "torch")
    assert "torch is not in the image" in done.stderr


def test_training_needs_the_packages_of_the_train_stage() -> None:
    assert "is not in the image" in confined(("embedder-cpu",), "services.embedder.training.worker").stderr
    done = confined(("embedder-cpu", "train"), "services.embedder.training.worker")
    assert done.returncode == 0, done.stderr[-500:]


@every_image
def test_no_image_holds_torch(image: Image) -> None:
    assert not {"torch", "torchvision", "timm", "triton"} & set(packages(image.lock))


@pytest.mark.parametrize("lock", [*(image.lock for image in IMAGES), "train", "build"])
def test_every_package_has_a_hash(lock: str) -> None:
    text = lock_file(lock).read_text()
    pinned = [part for part in text.split("\n") if "==" in part and not part.lstrip().startswith("#")]
    assert pinned
    assert all(line.endswith("\\") for line in pinned)
    assert text.count("--hash=sha256:") >= len(pinned)


@pytest.mark.parametrize("lock", ["embedder-cpu", "scorer", "sampler", "review", "upkeep", "train", "build"])
def test_images_hold_the_versions_that_were_tested(lock: str) -> None:
    tested = packages("dev")
    differing = {
        package: (version, tested[package])
        for package, version in packages(lock).items()
        # the build of torch is named only there
        if tested.get(package, version) != version.partition("+")[0]
    }
    assert not differing


def test_the_gpu_image_differs_by_the_runtime_only() -> None:
    cpu, gpu = packages("embedder-cpu"), packages("embedder-gpu")
    assert {p for p in set(cpu) ^ set(gpu) if not p.startswith("nvidia-")} == {
        "onnxruntime",
        "onnxruntime-gpu",
    }
    assert all(gpu[package] == version for package, version in cpu.items() if package != "onnxruntime")
