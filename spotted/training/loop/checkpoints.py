"""Checkpoints: the whole state of a training in a file, written so that a kill leaves the last one."""

from __future__ import annotations

import os
import pickle
from collections.abc import Mapping
from pathlib import Path

import torch

from spotted.errors import InvalidInputError, PreconditionError

CHECKPOINT_FILE = "checkpoint.pt"


def write_checkpoint(folder: Path, state: Mapping[str, object]) -> None:
    """Write a checkpoint; the one before it stays until this one is on the disk."""
    path, part = folder / CHECKPOINT_FILE, folder / f".{CHECKPOINT_FILE}.part"
    with part.open("wb") as stream:
        torch.save(dict(state), stream)
        stream.flush()
        os.fsync(stream.fileno())
    part.replace(path)


def read_checkpoint(folder: Path, recipe: str) -> dict[str, object] | None:
    """The state in the checkpoint of a folder, None without one.

    recipe: digest of everything that must not change between the parts of a training.
    Raises PreconditionError if the checkpoint is of another recipe, InvalidInputError if it is damaged.
    """
    path = folder / CHECKPOINT_FILE
    if not path.is_file():
        return None
    try:
        state: dict[str, object] = torch.load(path, map_location="cpu", weights_only=True)
    except (pickle.UnpicklingError, RuntimeError, EOFError, KeyError, ValueError) as error:
        raise InvalidInputError(
            f"{path} cannot be read ({error}); remove it to train from the start", field=str(path)
        ) from error
    if state.get("recipe") != recipe:
        raise PreconditionError(
            f"{path} belongs to a training with other settings or photographs; repeat them to go on, or give "
            "another folder"
        )
    return state
