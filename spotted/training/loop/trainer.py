"""The training loop: steps of an objective along the batches of its data.

The state after a step is a function of the settings, the data and the start: order and changes of images come
from the seed, and a checkpoint holds everything else, so that a training that was resumed ends with the bits
of an uninterrupted one (on a CPU with the same number of threads).

Sources and choices: docs/research/provenance.md.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import cast

import torch
from torch import nn

from spotted.errors import PreconditionError
from spotted.training.images.batches import Batch, BatchPlan, TrainingData, read_batches
from spotted.training.loop.averages import WeightAverage
from spotted.training.loop.checkpoints import read_checkpoint, write_checkpoint
from spotted.training.loop.objective import Objective, Position
from spotted.training.loop.processes import Processes, joined
from spotted.training.loop.settings import LoopSettings
from spotted.training.networks import EmbeddingNetwork, NetworkSpec
from spotted.training.schedules import Schedule

MOMENTUM = 0.9
FORMATS = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}


@dataclass(frozen=True, slots=True)
class Step:
    """A step that was made.

    >>> Step(step=40, steps=80, epoch=1.0, loss=2.5, rate=1e-3).epoch
    1.0
    """

    step: int
    """Steps done, from 1."""
    steps: int
    """Steps of the whole training."""
    epoch: float
    """Epochs done."""
    loss: float
    """Mean loss of the batch, before the step."""
    rate: float
    """Learning rate of the step."""


def run_loop(
    objective: Objective,
    data: TrainingData,
    spec: NetworkSpec,
    schedule: Schedule,
    settings: LoopSettings,
    *,
    folder: Path | None = None,
    on_step: Callable[[Step], None] = lambda _: None,
) -> EmbeddingNetwork:
    """Train the network of an objective; the averaged network if its weights are averaged.

    folder: of the checkpoints, from which a training goes on that was interrupted; None: none are written.
    on_step: called after each step; an exception that it raises ends the training.
    Raises InvalidInputError if there are too few examples, PreconditionError if the folder has a checkpoint
    of another training, the loss is not finite, or the device is missing.

    >>> import numpy as np
    >>> from spotted.training.images import Examples, as_is
    >>> from spotted.training.losses import ArcFaceObjective, dynamic_margins
    >>> from spotted.training.schedules import Constant
    >>> crops = np.repeat(np.uint8([[[[0, 0, 0]]], [[[255, 255, 255]]]]), 4, axis=0)
    >>> data = TrainingData(crops, Examples(np.arange(8)[:, None], np.repeat([0, 1], 4)), [as_is])
    >>> network = EmbeddingNetwork(nn.Flatten(), nn.Linear(3, 4), nn.Identity(), dimension=4)
    >>> objective = ArcFaceObjective(network, margins=dynamic_margins(np.array([4, 4])))
    >>> steps = []
    >>> settings = LoopSettings(epochs=3, batch_size=4)
    >>> _ = run_loop(objective, data, NetworkSpec(), Constant(0.1), settings, on_step=steps.append)
    >>> len(steps), steps[-1].epoch
    (6, 3.0)
    """
    with joined(settings.device) as (processes, device):
        if device.type == "cuda" and not torch.cuda.is_available():
            raise PreconditionError(
                "no CUDA device is available; train with device cpu, or install its driver"
            )
        loop = _Loop(objective.to(device), data, spec, schedule, settings, processes, device)
        loop.resume(folder)
        loop.run(folder, on_step)
        return loop.average.best(objective.network)


class _Loop:
    """A training with all that changes in it."""

    def __init__(
        self,
        objective: Objective,
        data: TrainingData,
        spec: NetworkSpec,
        schedule: Schedule,
        settings: LoopSettings,
        processes: Processes,
        device: torch.device,
    ) -> None:
        self.objective, self.data, self.spec = objective, data, spec
        self.schedule, self.settings = schedule, settings
        self.processes, self.device = processes, device
        self.plan = BatchPlan(
            settings.batch_size, settings.seed, settings.accumulation, processes.number, processes.count
        )
        self.per_epoch = self.plan.steps_per_epoch(data)
        self.steps = self.per_epoch * settings.epochs
        self.done = 0
        torch.manual_seed(settings.seed + processes.number)
        self.wrapped = processes.wrap(objective, device)
        self.optimiser = _optimiser(objective, settings)
        self.scaler = torch.amp.GradScaler(device.type, enabled=settings.precision == "fp16")
        self.average = WeightAverage(objective.network, settings.averaging)
        self.recipe = _recipe(objective, data, spec, schedule, settings)

    def resume(self, folder: Path | None) -> None:
        """Take over the state of the checkpoint, if there is one."""
        state = read_checkpoint(folder, self.recipe) if folder else None
        if state is None:
            return
        # the file was written by `save`, and refused if it is of another recipe
        parts = cast("dict[str, dict[str, torch.Tensor]]", state)
        self.objective.load_state_dict(parts["objective"])
        self.optimiser.load_state_dict(parts["optimiser"])
        self.scaler.load_state_dict(parts["scaler"])
        self.average.load(parts["average"])
        self.done = cast("int", state["done"])
        self._set_chance(cast("list[torch.Tensor]", state["chance"])[self.processes.number])

    def save(self, folder: Path) -> None:
        """Write the state."""
        chance = self.processes.gather(self._chance())
        if not self.processes.is_first:
            return
        state = {
            "recipe": self.recipe,
            "done": self.done,
            "objective": self.objective.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "scaler": self.scaler.state_dict(),
            "average": self.average.state(),
            "chance": chance,
        }
        write_checkpoint(folder, state)

    def run(self, folder: Path | None, on_step: Callable[[Step], None]) -> None:
        """Make the steps that are left."""
        every = self.settings.checkpoint_steps or self.per_epoch
        batches = read_batches(
            self.data,
            self.plan,
            mean=self.spec.mean,
            std=self.spec.std,
            steps=range(self.done, self.steps),
            device=self.device,
            workers=self.settings.workers,
        )
        self.objective.train()
        for parts in batches:
            step = self.make_step(parts)
            if folder and (self.done % every == 0 or self.done == self.steps):
                self.save(folder)
            if self.processes.is_first:
                on_step(step)

    def make_step(self, parts: list[Batch]) -> Step:
        """Follow the gradient of one batch."""
        before = self.position()
        rate = self.average.rate(self.schedule, before.epoch)
        for group in self.optimiser.param_groups:
            group["lr"] = rate * group["factor"]
        self.objective.before_step(before)
        loss = self._gradient(parts)
        self._follow()
        self.done += 1
        after = self.position()
        self.objective.after_step(after)
        self.average.after_step(self.objective.network, after)
        return Step(self.done, self.steps, after.epoch, loss, rate)

    def position(self) -> Position:
        """Where the training is."""
        return Position(self.done, self.steps, self.done / self.per_epoch)

    def _chance(self) -> torch.Tensor:
        """The state of the generator that drops parts of the network."""
        on_gpu = self.device.type == "cuda"
        return torch.cuda.get_rng_state(self.device) if on_gpu else torch.get_rng_state()

    def _set_chance(self, state: torch.Tensor) -> None:
        if self.device.type == "cuda":
            torch.cuda.set_rng_state(state, self.device)
        else:
            torch.set_rng_state(state)

    def _gradient(self, parts: list[Batch]) -> float:
        self.optimiser.zero_grad(set_to_none=True)
        total = torch.zeros((), device=self.device)
        for index, part in enumerate(parts):
            is_last = index == len(parts) - 1
            with self.processes.together(self.wrapped, is_last=is_last), self._precision():
                loss = self.wrapped(part) / len(parts)
                self.scaler.scale(loss).backward()
            total += loss.detach()
        found = self.processes.mean(total)
        if not torch.isfinite(total):
            raise PreconditionError(
                f"the loss is {found} in step {self.done + 1}; use a lower learning rate, or fp32"
            )
        return found

    def _follow(self) -> None:
        if self.settings.clip_norm is not None:
            self.scaler.unscale_(self.optimiser)
            nn.utils.clip_grad_norm_(self.objective.parameters(), self.settings.clip_norm)
        self.scaler.step(self.optimiser)
        self.scaler.update()

    def _precision(self) -> torch.autocast:
        kind = FORMATS[self.settings.precision]
        return torch.autocast(self.device.type, dtype=kind, enabled=kind is not torch.float32)


def _optimiser(objective: Objective, settings: LoopSettings) -> torch.optim.Optimizer:
    groups = [
        {
            "params": list(group.parameters),
            "factor": group.rate,
            "weight_decay": settings.weight_decay if group.weight_decay is None else group.weight_decay,
        }
        for group in objective.groups()
    ]
    if settings.optimiser == "sgd":
        return torch.optim.SGD(groups, lr=0.0, momentum=MOMENTUM)
    kind = torch.optim.AdamW if settings.optimiser == "adamw" else torch.optim.Adam
    return kind(groups, lr=0.0)


def _recipe(
    objective: Objective, data: TrainingData, spec: NetworkSpec, schedule: Schedule, settings: LoopSettings
) -> str:
    """Digest of what must stay as it is for a training to go on: settings, examples and first weights."""
    fixed = replace(settings, workers=0, checkpoint_steps=0, device="")
    views = [getattr(view, "__qualname__", None) or repr(view) for view in data.views]
    digest = hashlib.sha256(repr((fixed, schedule, spec, views, data.per_label)).encode())
    digest.update(data.examples.rows.tobytes() + data.examples.labels.tobytes())
    for name, tensor in objective.state_dict().items():
        digest.update(name.encode() + tensor.cpu().contiguous().view(-1).view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()
