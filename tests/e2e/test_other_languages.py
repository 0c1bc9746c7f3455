"""The clients of docs/other-languages.md run against real services, if their tool chain is there."""

from __future__ import annotations

import importlib.resources
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest
from grpc_tools import protoc

from services.common.access.tokens import Tokens
from spotted.v1 import access_pb2
from tests.e2e.organisations import World, picture

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "other-languages.md").read_text()
PROTOS = ROOT / "protos"
SOURCES = sorted(str(path.relative_to(PROTOS)) for path in PROTOS.rglob("*.proto"))
BLOCK = re.compile(r'^```\w+ title="([^"]+)"\n(.*?)^```$', re.MULTILINE | re.DOTALL)
LONGEST, SHORTEST = 90, 50
PHOTOGRAPHS = 4
# where Debian's packages are, or were unpacked
DEBIAN = Path(os.environ.get("SPOTTED_DEBIAN", "/")) / "usr"
# a jar is there twice, with its version and without
VERSIONED = re.compile(r"\d\.jar$|-jre\.jar$")
# installing packages and compiling, on a machine that is busy with other tests
INSTALL_S, RUN_S = 900, 300


@pytest.fixture
def photographs(tmp_path: Path) -> list[str]:
    """Photographs that all differ."""
    paths = [tmp_path / f"photo{n}.png" for n in range(PHOTOGRAPHS)]
    for n, path in enumerate(paths):
        path.write_bytes(picture(n))
    return [str(path) for path in paths]


def written(directory: Path, *titles: str) -> None:
    """Write the programs of the page to their files."""
    blocks = dict(BLOCK.findall(PAGE))
    for title in titles:
        path = directory / title
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(blocks[title])


def environment(world: World, **further: str) -> dict[str, str]:
    """The addresses and a token of the first organisation."""
    connection = world.north.client.connection
    _, token = Tokens(world.store).create(organisation=world.names[0], role=access_pb2.ROLE_ADMIN)
    return {
        **os.environ,
        "SPOTTED_EMBEDDER": connection.embedder.address,
        "SPOTTED_SCORER": connection.scorer.address,
        "SPOTTED_SAMPLER": connection.sampler.address,
        "SPOTTED_TOKEN": token,
        "SPOTTED_PROTOS": str(PROTOS),
        **further,
    }


def installed(command: Sequence[str], directory: Path) -> None:
    """Fetch what a program needs; skips if that is not possible here."""
    done = subprocess.run(
        command, cwd=directory, capture_output=True, text=True, timeout=INSTALL_S, check=False
    )
    if done.returncode:
        pytest.skip(f"{command[0]} cannot install its packages here: {(done.stdout + done.stderr)[-300:]}")


def check_run(world: World, survey_id: str, command: Sequence[str], directory: Path, **env: str) -> None:
    """Run a client, and compare what it printed with what the services hold."""
    done = subprocess.run(
        command,
        cwd=directory,
        env=environment(world, **env),
        capture_output=True,
        text=True,
        timeout=RUN_S,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    first, *candidates, last = done.stdout.strip().splitlines()
    assert (first, last) == (f"{PHOTOGRAPHS} added, 0 rejected", f"{PHOTOGRAPHS - 1} individuals")
    survey = world.north.client.survey(survey_id)
    best = {one.detection_id: one.candidates[0] for one in survey.candidates(top_k=1)}
    assert candidates == [
        f"{detection_id}: {found.detection_id} {found.fused:.3f}, {found.reason}"
        for detection_id, found in best.items()
    ]
    assert survey.info().time_zone == "Africa/Nairobi"
    assert {d.box for d in survey.detections()} == {next(survey.detections()).box} != {None}
    one, other = survey.cameras()
    assert one.y_m is not None
    assert other.y_m is not None
    assert abs(one.y_m - other.y_m) == pytest.approx(1327.0, rel=1e-3)


def test_the_clients_have_the_length_that_a_reader_can_follow() -> None:
    programs = {title: code for title, code in BLOCK.findall(PAGE) if not title.endswith(".xml")}
    assert set(programs) == {"client.py", "client.mjs", "src/main/java/Client.java"}
    for title, code in programs.items():
        assert SHORTEST <= len(code.splitlines()) <= LONGEST, title


def test_the_python_client_runs_with_generated_stubs_only(
    world: World, survey_id: str, photographs: list[str], tmp_path: Path
) -> None:
    written(tmp_path, "client.py")
    shipped = str(importlib.resources.files("grpc_tools") / "_proto")
    outputs = [f"--python_out={tmp_path}", f"--grpc_python_out={tmp_path}"]
    assert protoc.main(["", f"-I{PROTOS}", f"-I{shipped}", *outputs, *SOURCES]) == 0
    # the installed package of the same name would be found first
    for package in ("spotted", "spotted/v1"):
        (tmp_path / package / "__init__.py").touch()
    check_run(
        world, survey_id, [sys.executable, "client.py", survey_id, *photographs], tmp_path, PYTHONPATH="."
    )


@pytest.mark.slow
def test_the_node_client_runs(world: World, survey_id: str, photographs: list[str], tmp_path: Path) -> None:
    if not (shutil.which("node") and shutil.which("npm")):
        pytest.skip("no node and npm here")
    written(tmp_path, "client.mjs")
    (tmp_path / "package.json").write_text('{"private": true}')
    packages = ["@grpc/grpc-js@1.14", "@grpc/proto-loader@0.8"]
    installed(["npm", "install", "--no-audit", "--no-fund", "--ignore-scripts", *packages], tmp_path)
    check_run(world, survey_id, ["node", "client.mjs", survey_id, *photographs], tmp_path)


@pytest.mark.slow
def test_typescript_types_are_generated_from_the_contract_and_compile(tmp_path: Path) -> None:
    if not (shutil.which("node") and shutil.which("npm")):
        pytest.skip("no node and npm here")
    (tmp_path / "package.json").write_text('{"private": true}')
    packages = ["@grpc/grpc-js@1.14", "@grpc/proto-loader@0.8", "typescript@5", "@types/node@20"]
    installed(["npm", "install", "--no-audit", "--no-fund", "--ignore-scripts", *packages], tmp_path)
    programs = tmp_path / "node_modules" / ".bin"
    served = [f"spotted/v1/{name}.proto" for name in ("embedder", "sampler", "scorer")]
    options = ["--keepCase", "--longs=Number", "--enums=String", "--grpcLib=@grpc/grpc-js", "--outDir=types"]
    subprocess.run(
        [programs / "proto-loader-gen-types", *options, "-I", PROTOS, "--", *served], cwd=tmp_path, check=True
    )
    written_types = [f"types/{name}.ts" for name in ("embedder", "sampler", "scorer")]
    strictly = ["--noEmit", "--strict", "--skipLibCheck", "--module", "nodenext"]
    done = subprocess.run(
        [programs / "tsc", *strictly, *written_types],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout


@pytest.mark.slow
def test_the_java_client_runs(world: World, survey_id: str, photographs: list[str], tmp_path: Path) -> None:
    compiler, plugin = DEBIAN / "bin" / "protoc", DEBIAN / "bin" / "grpc_java_plugin"
    jars = [
        str(path) for path in (DEBIAN / "share" / "java").glob("*.jar") if not VERSIONED.search(path.name)
    ]
    if not (shutil.which("javac") and compiler.exists() and plugin.exists() and jars):
        pytest.skip("no JDK, protobuf-compiler, protobuf-compiler-grpc-java-plugin and libgrpc-java here")
    written(tmp_path, "src/main/java/Client.java")
    generated, classes = tmp_path / "generated", tmp_path / "classes"
    generated.mkdir()
    outputs = [f"--java_out={generated}", f"--grpc-java_out={generated}"]
    generating = [str(compiler), f"--plugin=protoc-gen-grpc-java={plugin}", f"-I{PROTOS}", *outputs, *SOURCES]
    libraries = {**os.environ, "LD_LIBRARY_PATH": str(DEBIAN / "lib" / "x86_64-linux-gnu")}
    subprocess.run([*generating, f"-I{DEBIAN / 'include'}"], env=libraries, check=True)
    sources = [*generated.rglob("*.java"), tmp_path / "src" / "main" / "java" / "Client.java"]
    path = ["-cp", ":".join([str(classes), *jars])]
    subprocess.run(["javac", "-nowarn", *path, "-d", classes, *sources], check=True, timeout=INSTALL_S)
    check_run(world, survey_id, ["java", *path, "Client", survey_id, *photographs], tmp_path)


def test_a_protoc_older_than_the_least_version_reads_the_contract(tmp_path: Path) -> None:
    """protoc 3.13 takes `optional`, of 3.15, by a flag; torch ships it."""
    found = sorted(Path(sys.prefix).glob("lib/python*/site-packages/torch/bin/protoc-3.13*"))
    if not found:
        pytest.skip("torch, which ships protoc 3.13, is not installed")
    shipped = importlib.resources.files("grpc_tools") / "_proto"
    outputs = [f"--{language}_out={tmp_path}" for language in ("cpp", "csharp", "java", "python")]
    arguments = ["--experimental_allow_proto3_optional", f"-I{PROTOS}", f"-I{shipped}", *outputs, *SOURCES]
    done = subprocess.run([found[0], *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "spotted" / "v1" / "Detection.java").is_file()
    assert "namespace Spotted.V1" in (tmp_path / "Survey.cs").read_text()
