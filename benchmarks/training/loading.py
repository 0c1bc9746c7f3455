"""Batches prepared from photographs on the disk compared with one batch that is ready in memory."""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import click
import numpy as np
import torch
from PIL import Image

from benchmarks.common.report import Bar
from benchmarks.training.runs import Machine
from spotted.training import (
    ArcFaceObjective,
    Augmentation,
    Examples,
    LoopSettings,
    NetworkSpec,
    Photograph,
    Step,
    TrainingData,
    WarmupCosine,
    as_is,
    build_network,
    dynamic_margins,
    prepare_crops,
    run_loop,
)
from tests.spotted.training.coats import coat_crops

WARM_STEPS, STEPS = 2, 6
# the two kinds take turns, so that a slow moment of the machine is in both
TURNS = 2
BATCH = 32
ANIMALS, EACH, PHOTOGRAPH_PX = 20, 16, 1024
SHARE = 0.9


def measure_loading(spec: NetworkSpec, machine: Machine) -> Bar:
    """Steps a second from photographs, as a share of those with the batch in memory.

    On a CPU the steps are counted by processor time, which other programs disturb less.
    """
    with tempfile.TemporaryDirectory() as folder:
        prepared = _photographs(Path(folder), spec.image_size)
        ready = _ready(prepared)
        times: dict[str, list[float]] = {"photographs": [], "memory": []}
        for _ in range(TURNS):
            times["photographs"] += _step_s(prepared, spec, machine)
            times["memory"] += _step_s(ready, spec, machine)
    from_disk, in_memory = (1.0 / statistics.median(times[kind]) for kind in ("photographs", "memory"))
    click.echo(
        f"{spec.name} {spec.image_size} px, batches of {BATCH}, {machine.device}, {torch.get_num_threads()} "
        f"threads: {from_disk:.2f} steps/s from photographs, {in_memory:.2f} ready in memory"
    )
    return Bar("steps from photographs as a share of those in memory", from_disk / in_memory, least=SHARE)


def _photographs(folder: Path, size: int) -> TrainingData:
    """Photographs on the disk, cropped as a training does."""
    crops, labels = coat_crops(ANIMALS, EACH, size=size, seed=3)
    photographs = []
    for number, crop in enumerate(crops):
        path = folder / f"{number}.jpg"
        Image.fromarray(crop).resize((PHOTOGRAPH_PX, PHOTOGRAPH_PX)).save(path, quality=90)
        photographs.append(Photograph(str(number), path))
    prepared = prepare_crops(photographs, size, folder / "crops.npy").crops
    return TrainingData(prepared, Examples(np.arange(len(crops))[:, None], labels), [Augmentation()])


def _ready(data: TrainingData) -> TrainingData:
    """The same crops in memory, which nothing changes."""
    return TrainingData(np.array(data.crops), data.examples, [as_is])


def _step_s(data: TrainingData, spec: NetworkSpec, machine: Machine) -> list[float]:
    """Seconds of each step after the first ones."""
    objective = ArcFaceObjective(build_network(spec), margins=dynamic_margins(np.full(ANIMALS, EACH)))
    clock = _clock(machine.device)
    times: list[float] = []

    class EnoughError(Exception):
        """The steps are measured."""

    def on_step(_: Step) -> None:
        times.append(clock())
        if len(times) > STEPS + WARM_STEPS:
            raise EnoughError

    settings = LoopSettings(
        epochs=STEPS + WARM_STEPS,
        batch_size=BATCH,
        precision=machine.precision,
        workers=machine.workers,
        device=machine.device,
    )
    with suppress(EnoughError):
        run_loop(objective, data, spec, WarmupCosine(1e-3, 10), settings, on_step=on_step)
    differences: list[float] = np.diff(times[WARM_STEPS:]).tolist()
    return differences


def _clock(device: str) -> Callable[[], float]:
    """Processor time on a CPU; the clock, once all is computed, on a GPU."""
    if device == "cpu":
        return time.process_time

    def synchronised() -> float:
        torch.cuda.synchronize(device)
        return time.perf_counter()

    return synchronised
