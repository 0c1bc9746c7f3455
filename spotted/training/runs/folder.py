"""A finished training as a folder: description, weights, and a page about them."""

from __future__ import annotations

import hashlib
import os
from dataclasses import replace
from pathlib import Path

import torch

from spotted import __version__
from spotted.errors import InvalidInputError, NotFoundError, PreconditionError
from spotted.training.networks import EmbeddingNetwork, build_network
from spotted.training.runs.card import write_card
from spotted.training.runs.manifest import RunManifest

RUN_FILE = "run.json"
WEIGHTS_FILE = "network.safetensors"
CENTERS_FILE = "centers.safetensors"
CARD_FILE = "card.md"


def is_run(folder: Path) -> bool:
    """Whether a folder holds a finished training."""
    return (folder / RUN_FILE).is_file()


def write_run(
    folder: Path, run: RunManifest, network: EmbeddingNetwork, *, centers: torch.Tensor | None = None
) -> RunManifest:
    """Write a finished training; the description as written, with digest, dimension and a name.

    centers: (c, k, d) of the loss, one set for each label of the run, from which a later training goes on.
    """
    from safetensors.torch import save  # noqa: PLC0415 - comes with timm

    folder.mkdir(parents=True, exist_ok=True)
    content = save({name: tensor.cpu().contiguous() for name, tensor in network.state_dict().items()})
    _write(folder / WEIGHTS_FILE, content)
    if centers is not None:
        _write(folder / CENTERS_FILE, save({"centers": centers.detach().cpu().contiguous()}))
    written = replace(
        run,
        name=run.name or folder.resolve().name,
        dimension=network.dimension,
        weights_sha256=hashlib.sha256(content).hexdigest(),
        spotted_version=__version__,
    )
    _write(folder / CARD_FILE, write_card(written).encode())
    # last: without it the folder holds no finished training
    _write(folder / RUN_FILE, written.to_json().encode())
    return written


def read_run(folder: Path) -> RunManifest:
    """The description of a finished training.

    Raises NotFoundError if the folder holds none, InvalidInputError if it cannot be read.
    """
    if not is_run(folder):
        raise NotFoundError(
            f"{folder} holds no finished training; give the folder that `spotted train` or "
            "`spotted pretrain` wrote"
        )
    try:
        return RunManifest.from_json((folder / RUN_FILE).read_text(encoding="utf-8"))
    except InvalidInputError as error:
        raise InvalidInputError(f"{folder / RUN_FILE}: {error}", field="run") from error


def load_network(folder: Path) -> tuple[RunManifest, EmbeddingNetwork]:
    """The description and the network of a finished training, in inference mode.

    Raises NotFoundError and InvalidInputError as `read_run`, and PreconditionError if the weights are not
    those of the description.
    """
    from safetensors.torch import load  # noqa: PLC0415 - comes with timm

    run = read_run(folder)
    path = folder / WEIGHTS_FILE
    content = path.read_bytes()
    if hashlib.sha256(content).hexdigest() != run.weights_sha256:
        raise PreconditionError(
            f"{path} is not the file that was written with {RUN_FILE}; copy the folder of the run again"
        )
    network = build_network(run.network)
    state: dict[str, torch.Tensor] = load(content)
    network.load_state_dict(state)
    return run, network.eval()


def load_centers(folder: Path) -> torch.Tensor | None:
    """The centers of the loss of a run, (c, k, d); None if it has none."""
    from safetensors.torch import load_file  # noqa: PLC0415 - comes with timm

    path = folder / CENTERS_FILE
    return load_file(path)["centers"] if path.is_file() else None


def _write(path: Path, content: bytes) -> None:
    """Write a file that appears only when it is complete."""
    part = path.with_name(f".{path.name}.part")
    with part.open("wb") as stream:
        stream.write(content)
        stream.flush()
        os.fsync(stream.fileno())
    part.replace(path)
