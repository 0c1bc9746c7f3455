"""The wheels as users install them, outside of the checkout."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import pytest

from services.common.store.store import Store
from services.scorer.__main__ import service as scorer_service
from tests.services.serving import running
from tests.spotted.photograph_folder import write_photograph
from tools.wheels import build_client, build_full

# the packages of the environment of the tests, without what installs this checkout
PACKAGES = next(path for path in sys.path if path.endswith("site-packages"))
CAMERAS = "camera_id,latitude,longitude,start,end\nford,-24.5,31.5,2024-06-01,2024-06-30\n"


def clean_environment(home: Path) -> dict[str, str]:
    """The environment of a user who has never heard of this checkout."""
    kept = {name: os.environ[name] for name in ("PATH", "LANG", "OMP_NUM_THREADS") if name in os.environ}
    return kept | {"HOME": str(home)}


@pytest.fixture
def installed(tmp_path: Path, models: Path) -> Path:
    """The `spotted` command of a fresh environment with the full wheel."""
    wheel = build_full(tmp_path / "dist", models)
    environment = tmp_path / "environment"
    venv.create(environment, with_pip=False)
    python = environment / "bin" / "python"
    installing = [sys.executable, "-m", "pip", "--python", str(python), "install", "--no-deps", "--no-index"]
    subprocess.run([*installing, "--quiet", str(wheel)], check=True)
    site = next((environment / "lib").glob("*/site-packages"))
    # a plain path: files that add further paths are not read there
    (site / "packages.pth").write_text(PACKAGES + "\n")
    return environment / "bin" / "spotted"


@pytest.mark.slow
def test_an_installed_wheel_starts_imports_and_embeds_without_a_checkout(
    installed: Path, tmp_path: Path
) -> None:
    home, work = tmp_path / "home", tmp_path / "work"
    home.mkdir()
    for number in range(3):
        write_photograph(work / "cards" / "ford" / f"{number}.jpg", f"2024:06:0{number + 1} 05:00:00")
    (work / "cards" / "cameras.csv").write_text(CAMERAS)
    # folders that are named like packages of Spotted and of Python
    for name in ("services", "spotted", "numpy"):
        (work / name).mkdir()
        (work / name / "__init__.py").write_text("raise SystemExit('a folder of the user was imported')")

    def spotted(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [str(installed), *arguments]
        return subprocess.run(
            command, cwd=work, env=clean_environment(home), capture_output=True, text=True, check=False
        )

    try:
        for step in (
            ("up", "--port", "0"),
            ("import", "cards", "--survey", "ridge", "--station", "{station}/"),
        ):
            done = spotted(*step)
            assert done.returncode == 0, done.stderr
        done = spotted("embed", "ridge")
        assert done.returncode == 0, done.stderr
        shown = spotted("status").stdout
        assert "ridge" in shown
        assert "3" in shown
    finally:
        stopped = spotted("down")
    assert "stopped" in stopped.stdout
    kept = home / ".local" / "share" / "spotted"
    assert (kept / "models" / "efficientnet-lite0" / "1" / "model.onnx").is_file()


USE = """
import sys
from importlib.abc import MetaPathFinder

ALLOWED = {"spotted", "google", "grpc", "grpc_status", "numpy", "typing_extensions"}

class Only(MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        first = name.partition(".")[0]
        if first not in ALLOWED and first not in sys.stdlib_module_names:
            raise ModuleNotFoundError(name)

sys.meta_path.insert(0, Only())
import spotted, spotted.client
for face in (spotted, spotted.client):
    for name in face.__all__:
        getattr(face, name)
from spotted import Camera, Spotted, Survey
from spotted.errors import PreconditionError
with Spotted(embedder=sys.argv[1], scorer=sys.argv[1], sampler=sys.argv[1]) as client:
    made = client.create_survey(Survey(sys.argv[2], 0.0, 10.0, cameras={"A": Camera("A", 1.0, 2.0)}))
    print([camera.camera_id for camera in made.cameras()])
try:
    Spotted.local()
except PreconditionError as error:
    print(error)
"""


def test_the_client_wheel_works_with_grpc_protobuf_and_numpy_only(
    tmp_path: Path, store: Store, survey_id: str
) -> None:
    wheel = build_client(tmp_path / "dist")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path / "target")
        (stated,) = (name for name in archive.namelist() if name.endswith("METADATA"))
        needs = [
            re.split("[<>]", line.removeprefix("Requires-Dist: "))[0]
            for line in archive.read(stated).decode().splitlines()
            if line.startswith("Requires-Dist")
        ]
    assert needs == ["googleapis-common-protos", "grpcio", "grpcio-status", "numpy", "protobuf"]
    assert wheel.stat().st_size < 1e6
    # -I and -S: neither this checkout nor what installs it is on the path
    paths = f"import sys; sys.path += {[str(tmp_path / 'target'), PACKAGES]!r}\n"
    with running(scorer_service(store)) as address:
        done = subprocess.run(
            [sys.executable, "-I", "-S", "-c", paths + USE, address, survey_id],
            cwd=tmp_path,
            env=clean_environment(tmp_path),
            capture_output=True,
            text=True,
            check=False,
        )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[0] == "['A']"
    assert "this is spotted-client" in done.stdout


def test_a_wheel_without_an_exported_backbone_is_not_built(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match="make models"):
        build_full(tmp_path / "dist", tmp_path)
