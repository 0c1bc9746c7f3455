from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from spotted.errors import InvalidInputError, NotFoundError, PreconditionError
from spotted.training.networks import NetworkSpec, build_network
from spotted.training.runs.folder import RUN_FILE, WEIGHTS_FILE, is_run, load_network, read_run, write_run
from spotted.training.runs.manifest import RunManifest

SPEC = NetworkSpec("test_vit", image_size=32, pooling="default", batch_norm=False)
RUN = RunManifest("lions", "arcface", SPEC, recipe={"epochs": 3}, species=("lion",))


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """A finished training."""
    write_run(tmp_path / "run", RUN, build_network(SPEC, seed=4))
    return tmp_path / "run"


def test_a_run_is_read_as_it_was_written(run: Path) -> None:
    found, network = load_network(run)
    assert (found.name, found.network, found.dimension) == ("lions", SPEC, 64)
    assert is_run(run)
    assert not network.training
    images = torch.rand(2, 3, 32, 32)
    assert torch.equal(network(images), build_network(SPEC, seed=4).eval()(images))
    assert {path.name for path in run.iterdir()} == {RUN_FILE, WEIGHTS_FILE, "card.md"}


def test_a_run_without_a_name_is_named_after_its_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert write_run(Path(), replace(RUN, name=""), build_network(SPEC)).name == tmp_path.name


def test_a_folder_without_a_run_is_named(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match=f"{tmp_path} holds no finished training; give the folder"):
        read_run(tmp_path)


def test_weights_of_another_run_are_refused(run: Path) -> None:
    (run / WEIGHTS_FILE).write_bytes((run / WEIGHTS_FILE).read_bytes()[:-1] + b"x")
    with pytest.raises(PreconditionError, match=r"is not the file that was written with run\.json"):
        load_network(run)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"format": 9}, "written in another format; this release reads format 1"),
        ({"network": None}, "not the description of a run"),
        ({"lions": 3}, "not the description of a run"),
    ],
)
def test_a_wrong_description_is_refused_with_its_file(
    change: dict[str, object], message: str, run: Path
) -> None:
    fields = json.loads((run / RUN_FILE).read_text())
    (run / RUN_FILE).write_text(json.dumps(fields | change))
    with pytest.raises(InvalidInputError, match=rf"run.json: .*{message}"):
        read_run(run)
