from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from spotted.errors import InvalidInputError, PreconditionError
from spotted.local.processes import free_port
from spotted.training.images.batches import Batch
from spotted.training.loop.objective import Objective, ParameterGroup, Position
from spotted.training.loop.settings import AVERAGINGS, OPTIMISERS, Averaging, LoopSettings
from spotted.training.loop.trainer import Step, run_loop
from spotted.training.schedules import Constant, WarmupDecay
from tests.spotted.training.small import SPEC, as_is, small_data, small_network, small_objective, weight_of

ROOT = Path(__file__).resolve().parents[4]
SETTINGS = LoopSettings(epochs=3, batch_size=8)
SCHEDULE = WarmupDecay(start=1e-3, peak=1e-2, warm_up_epochs=2)
State = dict[str, torch.Tensor]


class Interrupted(Exception):  # noqa: N818 - an interrupt is no error
    """Ends a training after a step, as a kill would."""


def trained(settings: LoopSettings, *, folder: Path | None = None, stop_after: int = 0) -> State:
    """The weights of a training with dropout; 0: not interrupted."""

    def on_step(step: Step) -> None:
        if step.step == stop_after:
            raise Interrupted

    torch.manual_seed(settings.seed)
    objective = small_objective(dropout=0.3)
    network = run_loop(
        objective, small_data(), SPEC, SCHEDULE, settings, folder=folder, on_step=on_step
    ).state_dict()
    return {**{f"objective.{name}": tensor for name, tensor in objective.state_dict().items()}, **network}


def assert_equal(first: State, second: State) -> None:
    assert first.keys() == second.keys()
    for name, tensor in first.items():
        assert torch.equal(tensor, second[name]), name


@pytest.mark.parametrize("averaging", AVERAGINGS)
@pytest.mark.parametrize("optimiser", OPTIMISERS)
def test_a_resumed_training_ends_with_the_bits_of_an_uninterrupted_one(
    averaging: str, optimiser: str, tmp_path: Path
) -> None:
    settings = replace(
        SETTINGS,
        averaging=Averaging(averaging, decay=0.9, from_epoch=1),  # type: ignore[arg-type] # one of the kinds
        optimiser=optimiser,  # type: ignore[arg-type] # one of the kinds
        checkpoint_steps=2,
        weight_decay=0.01,
    )
    whole = trained(settings)
    # after a checkpoint, between two, and in another epoch
    for stop_after in (2, 5, 7):
        with pytest.raises(Interrupted):
            trained(settings, folder=tmp_path, stop_after=stop_after)
    assert_equal(trained(settings, folder=tmp_path), whole)


def test_the_seed_decides() -> None:
    first, again, other = (trained(replace(SETTINGS, seed=seed)) for seed in (1, 1, 2))
    assert_equal(first, again)
    assert not torch.equal(first["pooling.weight"], other["pooling.weight"])


def test_batches_made_by_other_processes_are_the_same() -> None:
    assert_equal(trained(replace(SETTINGS, epochs=1, workers=2)), trained(replace(SETTINGS, epochs=1)))


def test_parts_of_a_batch_have_the_gradient_of_the_batch() -> None:
    weights = []
    for accumulation in (1, 4):
        torch.manual_seed(0)
        objective = small_objective()
        settings = replace(SETTINGS, accumulation=accumulation, optimiser="sgd")
        run_loop(objective, small_data(), SPEC, SCHEDULE, settings)
        weights.append(weight_of(objective.network))
    torch.testing.assert_close(weights[0], weights[1], rtol=1e-5, atol=1e-6)


TWO_PROCESSES = """
import sys, torch
from pathlib import Path
from spotted.training.loop.settings import LoopSettings
from spotted.training.loop.trainer import run_loop
from spotted.training.schedules import Constant
from tests.spotted.training.small import SPEC, small_data, small_objective, weight_of
torch.manual_seed(0)
objective, losses = small_objective(), []
settings = LoopSettings(epochs=2, batch_size=8, accumulation=2, optimiser="sgd")
run_loop(
    objective, small_data(), SPEC, Constant(0.01), settings,
    folder=Path(sys.argv[1]).parent, on_step=lambda step: losses.append(step.loss),
)
torch.save((weight_of(objective.network), torch.tensor(losses)), sys.argv[1])
"""


def test_two_processes_train_the_network_of_one(tmp_path: Path) -> None:
    # the variables that torchrun sets, without its own process
    shared = {"WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(free_port())}
    shared |= {"TORCHELASTIC_RUN_ID": "test", "PYTHONPATH": str(ROOT)}
    started = [
        subprocess.Popen(
            [sys.executable, "-c", TWO_PROCESSES, str(tmp_path / f"weights{number}")],
            env={**os.environ, **shared, "RANK": str(number), "LOCAL_RANK": str(number)},
            stderr=subprocess.PIPE,
            text=True,
        )
        for number in range(2)
    ]
    errors = [process.communicate()[1] for process in started]
    assert [process.returncode for process in started] == [0, 0], errors
    (first, losses), (second, none) = (torch.load(tmp_path / f"weights{number}") for number in (0, 1))
    assert torch.equal(first, second)
    torch.manual_seed(0)
    objective, steps = small_objective(), list[Step]()
    settings = replace(SETTINGS, epochs=2, optimiser="sgd")
    run_loop(objective, small_data(), SPEC, Constant(0.01), settings, on_step=steps.append)
    expected = torch.tensor([step.loss for step in steps])
    torch.testing.assert_close(first, weight_of(objective.network), rtol=1e-5, atol=1e-6)
    torch.testing.assert_close(losses, expected, rtol=1e-5, atol=1e-6)
    # only the first process reports
    assert not len(none)


@pytest.mark.parametrize(("kind", "decay"), [("ema", 0.9), ("swa", 0.0)])
def test_averaged_weights_are_those_of_a_plain_loop(kind: str, decay: float) -> None:
    torch.manual_seed(0)
    objective = small_objective()
    seen: list[torch.Tensor] = []
    averaging = Averaging(kind, decay=decay, from_epoch=1, rate=0.02)  # type: ignore[arg-type] # as above
    settings = replace(SETTINGS, epochs=4, averaging=averaging)
    rates: list[float] = []

    def on_step(step: Step) -> None:
        seen.append(weight_of(objective.network))
        rates.append(step.rate)

    found = weight_of(run_loop(objective, small_data(), SPEC, SCHEDULE, settings, on_step=on_step))
    if kind == "ema":
        expected = seen[0]
        for weight in seen[1:]:
            expected = decay * expected + (1 - decay) * weight
    else:
        expected = torch.stack(seen[5::3]).mean(dim=0)
        assert rates[3:] == [0.02] * 9
    torch.testing.assert_close(found, expected, rtol=1e-6, atol=1e-7)


def test_rates_follow_schedule_and_groups() -> None:
    class Halved(type(small_objective())):  # type: ignore[misc] # a class made here
        def groups(self) -> list[ParameterGroup]:
            return [
                ParameterGroup(list(self.network.parameters()), rate=0.0),
                ParameterGroup(list(self.criterion.parameters()), rate=0.5),
            ]

    torch.manual_seed(0)
    plain = small_objective()
    halved = Halved(plain.network, margins=plain.criterion.margins.numpy())
    before = weight_of(plain.network)
    centers = halved.criterion.centers.detach().clone()
    steps: list[Step] = []
    run_loop(halved, small_data(), SPEC, SCHEDULE, SETTINGS, on_step=steps.append)
    assert torch.equal(weight_of(plain.network), before)
    assert not torch.equal(halved.criterion.centers, centers)
    assert [step.rate for step in steps] == [SCHEDULE.rate(index / 3) for index in range(9)]


def test_an_objective_is_told_where_the_training_is() -> None:
    positions: list[tuple[str, int, float]] = []

    class Watching(Objective):
        def forward(self, batch: Batch) -> torch.Tensor:
            assert len(batch.views) == 2
            first, second = map(self.network, batch.views)
            loss: torch.Tensor = (first - second).square().mean()
            return loss

        def before_step(self, position: Position) -> None:
            positions.append(("before", position.step, position.share))

        def after_step(self, position: Position) -> None:
            positions.append(("after", position.step, position.share))

    run_loop(Watching(small_network()), small_data(columns=2), SPEC, SCHEDULE, replace(SETTINGS, epochs=1))
    assert positions[:3] == [("before", 0, 0.0), ("after", 1, 1 / 3), ("before", 1, 1 / 3)]


@pytest.mark.parametrize("precision", ["bf16", "fp16"])
def test_half_precision_learns_as_much(precision: str) -> None:
    losses = []
    for kind in ("fp32", precision):
        torch.manual_seed(0)
        steps: list[Step] = []
        objective = small_objective()
        settings = replace(SETTINGS, precision=kind, epochs=6, clip_norm=50.0)  # type: ignore[arg-type] # one of the formats
        run_loop(objective, small_data(), SPEC, Constant(0.01), settings, on_step=steps.append)
        assert weight_of(objective.network).dtype == torch.float32
        losses.append([step.loss for step in steps])
    exact, half = losses
    assert half != exact
    # the first steps of fp16 find its scale, and move nothing
    assert min(half) < 0.5 * (half[0] + min(exact))


def test_a_loss_that_is_not_finite_ends_the_training() -> None:
    class Lost(Objective):
        def forward(self, batch: Batch) -> torch.Tensor:
            loss: torch.Tensor = self.network(batch.views[0]).sum() * float("nan")
            return loss

    with pytest.raises(PreconditionError, match="the loss is nan in step 1; use a lower learning rate"):
        run_loop(Lost(small_network()), small_data(), SPEC, SCHEDULE, SETTINGS)


def test_another_training_does_not_go_on_from_a_checkpoint(tmp_path: Path) -> None:
    trained(replace(SETTINGS, epochs=1), folder=tmp_path)
    with pytest.raises(PreconditionError, match="belongs to a training with other settings or photographs"):
        trained(replace(SETTINGS, epochs=2), folder=tmp_path)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (replace(SETTINGS, batch_size=25), "24 examples are fewer than one batch of 25; use a smaller batch"),
        (replace(SETTINGS, device="cuda"), "no CUDA device is available; train with device cpu"),
    ],
)
def test_what_cannot_be_trained_is_refused(settings: LoopSettings, message: str) -> None:
    if settings.device == "cuda" and torch.cuda.is_available():
        pytest.skip("this machine has a GPU")
    with pytest.raises((InvalidInputError, PreconditionError), match=message):
        run_loop(small_objective(), small_data(view=as_is), SPEC, SCHEDULE, settings)
