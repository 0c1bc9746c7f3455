"""Trainings in folders of their own, which go on after an interruption, and their vectors of the test."""

from __future__ import annotations

import fcntl
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import click
import numpy as np

from benchmarks.training.material import Material
from benchmarks.training.plan import ARCFACE, START, Training
from benchmarks.training.settings import FROZEN_EPOCHS, Settings
from spotted.arrays import Float32Array
from spotted.training import (
    LoopSettings,
    Photograph,
    PretrainRecipe,
    Progress,
    Step,
    embed_crops,
    is_run,
    load_network,
    prepare_crops,
    pretrain_backbone,
    start_network,
    train_backbone,
)
from spotted.training.loop.settings import Precision
from spotted.training.pairs import PairRules, boxed_detections, find_pairs

TIMES_FILE = "seconds.txt"
LOCK_FILE = "lock"


@dataclass(frozen=True, slots=True)
class Machine:
    """Where trainings run."""

    device: str = "cpu"
    precision: Precision = "fp32"
    workers: int = 0


@dataclass(frozen=True, slots=True)
class Runs:
    """The trainings of a folder."""

    folder: Path
    settings: Settings
    material: Material
    machine: Machine = Machine()

    def is_finished(self, training: Training) -> bool:
        """Whether the folder holds its network."""
        return is_run(self.folder / training.name)

    def in_order(self, trainings: Iterable[Training]) -> list[Training]:
        """The trainings, short ones first; those that go on from another come after all of these."""
        return sorted(
            trainings, key=lambda one: (one.finetunes is not None, len(self.material.photographs_of(one)))
        )

    def train(self, trainings: Iterable[Training]) -> None:
        """Finish the trainings that are not; several processes may do so together, a training each."""
        ordered = self.in_order(trainings)
        for is_last_pass in (False, True):
            for training in ordered:
                known = training.finetunes
                if is_last_pass or known is None or self.is_finished(known):
                    self._train_locked(training, wait=is_last_pass)

    def _train_locked(self, training: Training, *, wait: bool) -> None:
        """Train unless it is done, or another process does it; that is waited for if `wait`."""
        folder = self.folder / training.name
        folder.mkdir(parents=True, exist_ok=True)
        with (folder / LOCK_FILE).open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return
            if not self.is_finished(training):
                self._train(training, folder)

    def _train(self, training: Training, folder: Path) -> None:
        photographs = self.material.photographs_of(training)
        click.echo(
            f"{training.name}: {len(photographs)} photographs, {self.settings.epochs} epochs", err=True
        )
        loop = LoopSettings(
            epochs=self.settings.epochs,
            batch_size=self.settings.batch,
            precision=self.machine.precision,
            workers=self.machine.workers,
            device=self.machine.device,
            seed=self.settings.seed,
        )
        begun = time.process_time()
        if training.method == ARCFACE:
            known = training.finetunes
            frozen = min(FROZEN_EPOCHS, self.settings.epochs) if known else 0
            start = str(self.folder / known.name) if known else self.settings.start
            recipe = self.settings.recipe(loop, start=start, frozen_epochs=frozen)
            train_backbone(photographs, recipe, folder, progress=Progress(on_step=_echo))
        else:
            pretraining = PretrainRecipe(
                training.method,
                self.settings.spec,
                self.settings.start,
                "photographs",
                loop=loop,
                test_share=0.0,
            )
            nothing = find_pairs(boxed_detections([]), PairRules())
            pretrain_backbone(photographs, nothing, pretraining, folder, progress=Progress(on_step=_echo))
        with (folder / TIMES_FILE).open("a") as times:
            times.write(f"{time.process_time() - begun:.1f}\n")

    def vectors(self, training: Training | None) -> Float32Array:
        """Unit vectors (n, d) of all photographs of the test, in its order. None: of the start."""
        rows = self.material.split.test.tolist()
        return self.embedded(training, [self.material.photographs[row] for row in rows], "vectors")

    def embedded(
        self, training: Training | None, photographs: Sequence[Photograph], name: str
    ) -> Float32Array:
        """Unit vectors (n, d) of photographs, kept by a name. None: of the start."""
        folder = self.folder / (training.name if training else START)
        path = folder / f"{name}.npy"
        if not path.is_file():
            if training is None:
                start = start_network(self.settings.spec, self.settings.start, seed=self.settings.seed)
                network, spec = start.network, start.spec
            else:
                run, network = load_network(folder)
                spec = run.network
            crops = prepare_crops(photographs, spec.image_size, self.folder / f"{name}-crops.npy").crops
            folder.mkdir(exist_ok=True)
            np.save(path, embed_crops(network, crops, spec, device=self.machine.device))
        found: Float32Array = np.load(path)
        return found


def _echo(step: Step) -> None:
    if step.epoch == int(step.epoch):
        click.echo(f"  epoch {step.epoch:.0f}: loss {step.loss:.2f}", err=True)
