"""Training: batches prepared from crops compared with batches ready in memory, and what a training learns.

python -m benchmarks.training loading
python -m benchmarks.training coats --minutes 3
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from contextlib import suppress
from pathlib import Path

import numpy as np
import torch
from PIL import Image

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
    build_network,
    dynamic_margins,
    embed_crops,
    prepare_crops,
    run_loop,
)
from spotted.training.images import BatchPlan, read_batches
from tests.spotted.training.coats import coat_crops, rank_one

ANIMALS, EACH, UNSEEN = 200, 10, 60
WARM_STEPS = 3
BATCH = 32
SHARE = 0.9
LIFT = 1.5


def main() -> None:
    """Run the measurement that is named and print its figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("measurement", choices=["loading", "coats"])
    parser.add_argument("--network", default="efficientnet-lite0")
    parser.add_argument("--size", type=int, default=128)
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--minutes", type=float, default=3.0, help="Processor time to learn for")
    chosen = parser.parse_args()
    if chosen.measurement == "loading":
        measure_loading(NetworkSpec(chosen.network, image_size=chosen.size), chosen.steps)
    else:
        measure_lift(chosen.minutes * 60.0)


def measure_loading(spec: NetworkSpec, steps: int) -> None:
    """Steps a second with batches from photographs and with one batch that is ready."""
    with tempfile.TemporaryDirectory() as folder:
        data = _photographs(Path(folder), spec.image_size)
        from_disk = _step_s(data, spec, steps)
        ready = _ready_step_s(data, spec, steps)
    share = ready / from_disk
    print(f"{spec.name} {spec.image_size} px: {1 / from_disk:.2f} steps/s from photographs")
    print(f"{1 / ready:.2f} steps/s ready in memory: {share:.2f} (bar {SHARE}) {_verdict(share >= SHARE)}")


def measure_lift(budget_s: float) -> None:
    """rank-1 on animals that the training did not see, before and after it."""
    spec = NetworkSpec("test_resnet", image_size=48)
    crops, labels = coat_crops(ANIMALS, EACH, size=spec.image_size, seed=1)
    unseen, truth = coat_crops(UNSEEN, 6, size=spec.image_size, seed=2)
    network = build_network(spec)
    before = rank_one(embed_crops(network, unseen, spec), truth)
    objective = ArcFaceObjective(network, margins=dynamic_margins(np.bincount(labels)))
    data = TrainingData(crops, Examples(np.arange(len(crops))[:, None], labels), [Augmentation()])
    start = time.process_time()

    def on_step(step: Step) -> None:
        if time.process_time() - start > budget_s:
            raise TimeoutError(f"{step.epoch:.1f} epochs")

    try:
        run_loop(objective, data, spec, WarmupCosine(3e-3, 60, 2), LoopSettings(60, 50), on_step=on_step)
    except TimeoutError as ended:
        print(f"ended after {ended}")
    after = rank_one(embed_crops(network, unseen, spec), truth)
    print(f"rank-1 of {len(unseen)} photographs of {UNSEEN} unseen animals: {before:.3f} to {after:.3f}")
    print(f"{after / before:.2f} times (bar {LIFT}) {_verdict(after >= LIFT * before)}")


def _photographs(folder: Path, size: int) -> TrainingData:
    """Photographs of 1,024 pixels on the disk, cropped as a training does."""
    crops, labels = coat_crops(20, 16, size=size, seed=3)
    photographs = []
    for number, crop in enumerate(crops):
        path = folder / f"{number}.jpg"
        Image.fromarray(crop).resize((1024, 1024)).save(path, quality=90)
        photographs.append(Photograph(str(number), path))
    prepared = prepare_crops(photographs, size, folder / "crops.npy").crops
    return TrainingData(prepared, Examples(np.arange(len(crops))[:, None], labels), [Augmentation()])


def _step_s(data: TrainingData, spec: NetworkSpec, steps: int) -> float:
    """Median processor seconds of a step, which other programs do not disturb."""
    objective = ArcFaceObjective(build_network(spec), margins=dynamic_margins(np.full(20, 16)))
    times: list[float] = []

    class EnoughError(Exception):
        """The steps are measured."""

    def on_step(_: Step) -> None:
        times.append(time.process_time())
        if len(times) > steps + WARM_STEPS:
            raise EnoughError

    settings = LoopSettings(epochs=steps, batch_size=BATCH)
    with suppress(EnoughError):
        run_loop(objective, data, spec, WarmupCosine(1e-3, 10), settings, on_step=on_step)
    return statistics.median(np.diff(times[WARM_STEPS:]).tolist())


def _ready_step_s(data: TrainingData, spec: NetworkSpec, steps: int) -> float:
    """Median processor seconds of a step whose batch is ready in memory."""
    plan = BatchPlan(BATCH)
    (batch,) = next(iter(read_batches(data, plan, mean=spec.mean, std=spec.std, steps=range(1))))
    objective = ArcFaceObjective(build_network(spec), margins=dynamic_margins(np.full(20, 16)))
    adam = torch.optim.Adam(objective.parameters(), lr=1e-3)
    times = [time.process_time()]
    for _ in range(steps + WARM_STEPS):
        adam.zero_grad()
        objective(batch).backward()
        adam.step()
        times.append(time.process_time())
    return statistics.median(np.diff(times[WARM_STEPS:]).tolist())


def _verdict(passed: bool) -> str:  # noqa: FBT001 - the only argument
    return "PASS" if passed else "FAIL"


if __name__ == "__main__":
    torch.manual_seed(0)
    main()
