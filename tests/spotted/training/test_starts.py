from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from services.embedder.export.architectures import ARCHITECTURES
from spotted.errors import InvalidInputError, NotFoundError, UnavailableError
from spotted.training.networks import NetworkSpec, build_network
from spotted.training.runs.folder import write_run
from spotted.training.runs.manifest import RunManifest
from spotted.training.starts import start_network
from spotted.training.torchvision_operators import import_timm

SPEC = NetworkSpec("test_vit", image_size=32, pooling="default", batch_norm=True)
State = dict[str, torch.Tensor]


@pytest.fixture(scope="module")
def timm() -> Any:  # noqa: ANN401 - a module
    """The package, which takes seconds to import: only for the worker that runs these tests."""
    return import_timm("these tests")


def other() -> State:
    """Weights of another seed than those of the start."""
    return build_network(SPEC, seed=9).state_dict()


def assert_filled(found: State, expected: State, prefix: str = "") -> None:
    names = [name for name in expected if name.startswith(prefix)]
    assert names
    assert all(torch.equal(found[name], expected[name]) for name in names)


def test_random_weights_are_those_of_the_seed() -> None:
    start = start_network(SPEC, "random", seed=9)
    assert_filled(start.network.state_dict(), other())
    assert start.run is None


def test_a_run_brings_its_network(tmp_path: Path) -> None:
    written = write_run(tmp_path, RunManifest("lions", "arcface", SPEC), build_network(SPEC, seed=9))
    start = start_network(NetworkSpec("test_resnet"), str(tmp_path))
    assert_filled(start.network.state_dict(), other())
    assert (start.spec, start.run) == (SPEC, written)
    assert start.network.training
    assert start.described == f"the run lions ({written.weights_sha256[:12]})"


@pytest.mark.parametrize("suffix", [".pt", ".safetensors"])
def test_a_file_fills_the_network(suffix: str, tmp_path: Path) -> None:
    from safetensors.torch import save_file  # noqa: PLC0415

    path = tmp_path / f"weights{suffix}"
    if suffix == ".pt":
        torch.save({"state_dict": {f"module.{name}": tensor for name, tensor in other().items()}}, path)
    else:
        save_file(other(), path)
    assert_filled(start_network(SPEC, str(path)).network.state_dict(), other())


def test_a_file_of_the_backbone_leaves_the_rest_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "vit.bin"
    bare = {name.removeprefix("backbone."): t for name, t in other().items() if name.startswith("backbone.")}
    torch.save({**bare, "head.weight": torch.ones(3)}, path)
    assert_filled(start_network(SPEC, str(path)).network.state_dict(), other(), "backbone.")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"backbone.pos_embed": torch.ones(2)}, r"wrong shape: backbone.pos_embed \(2,\) instead of \(1, "),
        ({"backbone.pos_embed": None}, "missing backbone.pos_embed; give weights of this network and image"),
    ],
)
def test_a_file_that_does_not_fit_is_refused(
    change: dict[str, torch.Tensor | None], message: str, tmp_path: Path
) -> None:
    path = tmp_path / "weights.pt"
    torch.save({name: tensor for name, tensor in (other() | change).items() if tensor is not None}, path)
    with pytest.raises(InvalidInputError, match=message):
        start_network(SPEC, str(path))


def test_a_start_that_is_nowhere_is_named(tmp_path: Path) -> None:
    (tmp_path / "broken.pt").write_bytes(b"no weights")
    with pytest.raises(InvalidInputError, match=r"broken\.pt does not fit: it is not plain tensors"):
        start_network(SPEC, str(tmp_path / "broken.pt"))
    for path in (tmp_path, tmp_path / "none.pt"):
        with pytest.raises(NotFoundError, match="is neither the folder of a run nor a file of weights"):
            start_network(SPEC, str(path))


def test_published_weights_are_those_of_the_package() -> None:
    spec = NetworkSpec("efficientnet-lite0", image_size=64)
    start = start_network(spec, "imagenet")
    assert start.described == "efficientnet-lite0, trained on ImageNet"
    # as the served backbone of these weights normalises pixels
    served = ARCHITECTURES["efficientnet-lite0"]
    assert (start.spec.mean, start.spec.std) == (served.mean, served.std)
    random = build_network(spec).state_dict()
    found = start.network.state_dict()
    changed = [name for name in random if not torch.equal(random[name], found[name])]
    assert all(name.startswith("backbone.") for name in changed)
    assert len(changed) > 100


def test_published_weights_of_timm_fill_the_backbone(timm: Any, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: ANN401 - a module
    create = timm.create_model

    def downloaded(name: str, *, pretrained: bool, **options: Any) -> torch.nn.Module:  # noqa: ANN401
        network: torch.nn.Module = create(name, pretrained=False, **options)
        if pretrained:
            names = {name.removeprefix("backbone."): tensor for name, tensor in other().items()}
            network.load_state_dict({name: names[name] for name in network.state_dict()})
        return network

    monkeypatch.setattr(timm, "create_model", downloaded)
    start = start_network(SPEC, "imagenet")
    assert_filled(start.network.state_dict(), other(), "backbone.")
    assert start.described.startswith("test_vit.")
    assert start.spec.mean == (127.5, 127.5, 127.5)


def test_a_hub_that_cannot_be_reached_is_named_with_the_remedy(
    timm: Any,  # noqa: ANN401 - a module
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    create = timm.create_model

    def unreachable(name: str, *, pretrained: bool, **options: Any) -> torch.nn.Module:  # noqa: ANN401
        if pretrained:
            raise OSError("no route")
        network: torch.nn.Module = create(name, pretrained=False, **options)
        return network

    monkeypatch.setattr(timm, "create_model", unreachable)
    with pytest.raises(
        UnavailableError, match=r"test_vit cannot be loaded \(no route\); download them elsewhere"
    ):
        start_network(SPEC, "imagenet")
