"""Methods that compare across the batch, in two processes of gloo beside one."""

from __future__ import annotations

import os
import subprocess
import sys
from functools import partial
from pathlib import Path

import pytest
import torch
from torch import nn

from spotted.local.processes import free_port
from spotted.training.loop.processes import Processes
from spotted.training.methods.gathering import gather_constants, gather_rows
from spotted.training.methods.losses import cross_correlation, nt_xent

ROOT = Path(__file__).resolve().parents[4]
STEPS, BATCH = 2, 8
# of each method, in two processes: the state after a few steps, and a loss with its gradient
SCRIPT = """
import sys, torch
from pathlib import Path
from spotted.training.images.batches import Batch
from spotted.training.loop.processes import joined
from spotted.training.methods.gathering import gather_constants, gather_rows
from spotted.training.loop.objective import Position
from spotted.training.methods.by_name import build_objective
from spotted.training.methods.losses import cross_correlation, nt_xent
from tests.spotted.training.methods.objectives import SMALL, drawn_batch, tiny_network
from tests.spotted.training.methods.test_gathering import BATCH, METHODS, STEPS, compared
found = {}
with joined("cpu") as (processes, device):
    own = slice(processes.number * BATCH // 2, (processes.number + 1) * BATCH // 2)
    found["compared"] = compared(own, processes)
    for method in METHODS:
        objective = build_objective(method, tiny_network(), SMALL[method])
        wrapped = processes.wrap(objective, device)
        descent = torch.optim.Adam([p for p in objective.parameters() if p.requires_grad], lr=1e-2)
        for step in range(STEPS):
            whole = drawn_batch(2, size=BATCH, seed=step)
            objective.before_step(Position(step, STEPS, step))
            descent.zero_grad()
            wrapped(Batch(tuple(view[own] for view in whole.views), whole.labels[own])).backward()
            descent.step()
            objective.after_step(Position(step + 1, STEPS, step + 1))
        found[method] = objective.state_dict()
torch.save(found, sys.argv[1])
"""
METHODS = ("simclr", "barlow-twins", "moco", "byol", "dino", "supcon")


def compared(own: slice, processes: Processes | None = None) -> list[torch.Tensor]:
    """Losses of a linear layer on a part of a batch, and the mean gradient of its weights over processes."""
    found = []
    for loss_of in (partial(nt_xent, temperature=0.3), partial(cross_correlation, redundancy_weight=0.1)):
        torch.manual_seed(0)
        layer, views = nn.Linear(5, 4), torch.randn(2, BATCH, 5)
        wrapped = (processes or Processes()).wrap(layer, torch.device("cpu"))
        first, second = wrapped(views[:, own].flatten(0, 1)).chunk(2)
        loss: torch.Tensor = loss_of(gather_rows(first), gather_rows(second))
        loss.backward()  # type: ignore[no-untyped-call] # torch leaves it untyped
        assert layer.weight.grad is not None
        found += [loss.detach(), layer.weight.grad]
    return [*found, gather_constants(torch.arange(BATCH)[own])]


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, dict[str, torch.Tensor]]]:
    """What each of two processes found."""
    folder = tmp_path_factory.mktemp("two")
    # the variables that torchrun sets, without its own process
    shared = {"WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(free_port())}
    shared |= {"TORCHELASTIC_RUN_ID": "test", "PYTHONPATH": str(ROOT)}
    started = [
        subprocess.Popen(
            [sys.executable, "-c", SCRIPT, str(folder / str(number))],
            env={**os.environ, **shared, "RANK": str(number), "LOCAL_RANK": str(number)},
            stderr=subprocess.PIPE,
            text=True,
        )
        for number in range(2)
    ]
    errors = [process.communicate()[1] for process in started]
    assert [process.returncode for process in started] == [0, 0], errors
    return [torch.load(folder / str(number)) for number in range(2)]


def test_losses_and_gradients_are_those_of_one_process_with_the_whole_batch(
    both: list[dict[str, list[torch.Tensor]]],
) -> None:
    for found in both:
        for own, expected in zip(found["compared"], compared(slice(None)), strict=True):
            torch.testing.assert_close(own, expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("method", METHODS)
def test_all_processes_have_the_same_weights_followers_queue_and_centre(
    method: str, both: list[dict[str, dict[str, torch.Tensor]]]
) -> None:
    first, second = (found[method] for found in both)
    for name, tensor in first.items():
        # batch normalisation has the statistics of a process until the next step
        if "running" not in name:
            torch.testing.assert_close(tensor, second[name], rtol=0.0, atol=0.0, msg=name)


def test_the_queue_of_moco_holds_the_keys_of_all_processes(
    both: list[dict[str, dict[str, torch.Tensor]]],
) -> None:
    queue = both[0]["moco"]["queue"]
    assert int(both[0]["moco"]["oldest"]) == STEPS * BATCH % len(queue)
