from __future__ import annotations

from pathlib import Path

import pytest
import torch

from spotted.errors import InvalidInputError, PreconditionError
from spotted.training.loop.checkpoints import CHECKPOINT_FILE, read_checkpoint, write_checkpoint


def test_the_last_state_is_read_and_nothing_else_is_left(tmp_path: Path) -> None:
    assert read_checkpoint(tmp_path, "a") is None
    for done in (1, 2):
        write_checkpoint(tmp_path, {"recipe": "a", "done": done, "weights": {"w": torch.ones(2)}})
    state = read_checkpoint(tmp_path, "a")
    assert state is not None
    assert state["done"] == 2
    assert [path.name for path in tmp_path.iterdir()] == [CHECKPOINT_FILE]


def test_a_checkpoint_of_another_recipe_is_refused(tmp_path: Path) -> None:
    write_checkpoint(tmp_path, {"recipe": "a"})
    with pytest.raises(PreconditionError, match="repeat them to go on, or give another folder"):
        read_checkpoint(tmp_path, "b")


def test_a_damaged_checkpoint_is_named_with_the_remedy(tmp_path: Path) -> None:
    write_checkpoint(tmp_path, {"recipe": "a", "weights": torch.ones(1000)})
    path = tmp_path / CHECKPOINT_FILE
    path.write_bytes(path.read_bytes()[:500])
    with pytest.raises(
        InvalidInputError, match=rf"{path} cannot be read .* remove it to train from the start"
    ):
        read_checkpoint(tmp_path, "a")
