"""Whether a GPU gives vectors, candidates and trainings as the CPU, and how fast, within eight minutes.

    make gpu-check

It needs a driver and, in the virtual environment, the extra `gpu` in place of `cpu`, the extra `train` with a
torch for CUDA, and TensorRT's libraries if that is to be checked; what is missing is skipped and named.
`--device cpu` runs the same checks against the CPU itself.
"""

from __future__ import annotations

import argparse
import json
import math
import platform
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

import numpy as np

from benchmarks.scorer.ranking import SMALLEST_DIMENSION, survey
from services.embedder.images.decoding import ByteArray
from services.embedder.inference.backbones import Backbone, load_backbone
from spotted.arrays import Float32Array, IntArray
from spotted.errors import SpottedError
from spotted.ranking.products import DeviceProducts
from spotted.ranking.ranker import Ranker

HELD, MISSED, UNCHECKED = 0, 1, 3
BACKBONE = "efficientnet-lite0"
# least cosine of the vectors of one image by two devices, and largest relative difference of first losses
LEAST_COSINE, MOST_LOSS_DIFFERENCE = 0.9999, 1e-3
IMAGES, WINDOW_S = 256, 10.0
TRAINED_PX, BATCH, STEPS = 128, 32, 12
RANKED, ASKED = 20_000, 64


@dataclass(frozen=True, slots=True)
class Finding:
    """One result of the check."""

    device: str
    what: str
    value: float | None
    """None: it was skipped."""
    words: str
    held: bool = True
    """False: the device differs from the CPU by more than its bar."""


def main(arguments: list[str] | None = None) -> int:
    """Run all checks and print each finding; returns MISSED if a device differs from the CPU."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--device", action="append", choices=["cpu", "cuda", "tensorrt"])
    parser.add_argument("--models", type=Path, default=Path("models"))
    parser.add_argument("--minutes", type=float, default=8.0, help="what does not fit is skipped")
    parser.add_argument("--window", type=float, default=WINDOW_S, help="seconds for each rate")
    parser.add_argument("--output", type=Path, default=Path("out/gpu-check.json"))
    chosen = parser.parse_args(arguments)
    end = time.monotonic() + chosen.minutes * 60.0
    found: list[Finding] = []
    for device in chosen.device or ["cuda", "tensorrt"]:
        for check in (embedder, scorer, training):
            late = Finding(device, check.__name__, None, "skipped: the time is over")
            for one in [late] if time.monotonic() > end else check(device, chosen.models, chosen.window):
                found.append(one)
                print(line(one), flush=True)
    chosen.output.parent.mkdir(parents=True, exist_ok=True)
    machine = {"machine": platform.machine(), "system": platform.platform(), "python": sys.version.split()[0]}
    chosen.output.write_text(
        json.dumps({**machine, "found": [asdict(one) for one in found]}, indent=2) + "\n"
    )
    print(f"written: {chosen.output}")
    if all(one.value is None for one in found):
        print("nothing could be checked on this machine")
        return UNCHECKED
    return HELD if all(one.held for one in found) else MISSED


def line(one: Finding) -> str:
    """A finding as a line of text."""
    value = "" if one.value is None else f" {one.value:.6g}"
    return f"{'' if one.held else 'MISSED '}{one.device}: {one.what}{value} {one.words}".rstrip()


def embedder(device: str, models: Path, window_s: float) -> Iterator[Finding]:
    """Vectors of a device beside those of the CPU, and crops embedded in a second by batch."""
    reference = load_backbone(models, BACKBONE)
    images = drawn(IMAGES, reference.manifest.input_size)
    try:
        backbone = load_backbone(models, BACKBONE, device=device)
        started = time.perf_counter()
        backbone.warm_up()
        warm_s = time.perf_counter() - started
        theirs = vectors(backbone, images)
    except SpottedError as error:
        yield Finding(device, "embedder", None, f"skipped: {error}")
        return
    cosine = float((vectors(reference, images) * theirs).sum(axis=1).min())
    words = f"of {len(images)} images (bar: at least {LEAST_COSINE}); ready after {warm_s:.1f} s"
    yield Finding(device, "embedder, least cosine with the CPU", cosine, words, cosine >= LEAST_COSINE)
    for batch in sorted({1, 8, backbone.max_batch}):
        part = images[:batch] * math.ceil(batch / len(images))
        yield Finding(
            device,
            f"embedder, batches of {batch}",
            len(part) * rate(partial(backbone.embed, part), window_s),
            "crops in a second, pixels ready in memory",
        )


def scorer(device: str, models: Path, window_s: float) -> Iterator[Finding]:  # noqa: ARG001 - as `embedder`
    """Candidates by a device beside those by the CPU, and rankings in a second."""
    if device == "tensorrt":
        return
    gallery = survey(RANKED, SMALLEST_DIMENSION)
    try:
        ranker = Ranker(gallery, DeviceProducts(gallery.embeddings, device))
        theirs = list(ranker.top_k(np.arange(ASKED)))
    except SpottedError as error:
        yield Finding(device, "scorer", None, f"skipped: {error}")
        return
    same = [
        np.array_equal(one.rows, other.rows) and np.array_equal(one.scores.fused, other.scores.fused)
        for one, other in zip(theirs, Ranker(gallery).top_k(np.arange(ASKED)), strict=True)
    ]
    yield Finding(
        device, "scorer, share of lists equal to the CPU's", float(np.mean(same)), "(bar: all)", all(same)
    )
    for count, asked in ((1, "one detection"), (RANKED, "all detections")):
        what = f"scorer, candidates of {asked} among {RANKED} x {SMALLEST_DIMENSION}"
        per_s = rate(partial(rank, ranker, np.arange(count)), window_s)
        yield Finding(device, what, per_s, "times in a second")


def rank(ranker: Ranker, queries: IntArray) -> None:
    """Rank all queries and drop the answers."""
    for _ in ranker.top_k(queries):
        pass


def training(device: str, models: Path, window_s: float) -> Iterator[Finding]:  # noqa: ARG001 - as `embedder`
    """The first losses of a training on a device beside those on the CPU, and its steps in a second."""
    if device == "tensorrt":
        return
    try:
        theirs, step_s = losses(device)
        ours = theirs if device == "cpu" else losses("cpu")[0]
    except ImportError as error:
        yield Finding(device, "training", None, f"skipped: {error}; install the extra `train`")
        return
    except SpottedError as error:
        yield Finding(device, "training", None, f"skipped: {error}")
        return
    # later losses part because every step amplifies roundings
    difference = abs(theirs[0] - ours[0]) / ours[0]
    words = f"of the CPU's {ours[0]:.4f} (bar: at most {MOST_LOSS_DIFFERENCE})"
    held = difference <= MOST_LOSS_DIFFERENCE
    yield Finding(device, "training, difference of the first loss", difference, words, held)
    yield Finding(device, f"training, steps of {BATCH}", 1.0 / step_s, f"in a second at {TRAINED_PX} px")


def losses(device: str) -> tuple[list[float], float]:
    """The losses of a short training, and the median time of a step after the first ones, seconds."""
    import torch  # noqa: PLC0415 - an extra that the other checks do without

    from spotted.training import (  # noqa: PLC0415
        ArcFaceObjective,
        Augmentation,
        Examples,
        LoopSettings,
        NetworkSpec,
        Step,
        TrainingData,
        build_network,
        dynamic_margins,
        run_loop,
    )
    from spotted.training.schedules import Constant  # noqa: PLC0415

    spec = NetworkSpec(BACKBONE, image_size=TRAINED_PX)
    crops = np.stack(drawn(2 * BATCH, TRAINED_PX))
    labels = np.arange(len(crops)) // 4
    torch.manual_seed(0)
    objective = ArcFaceObjective(build_network(spec), margins=dynamic_margins(np.bincount(labels)))
    data = TrainingData(crops, Examples(np.arange(len(crops))[:, None], labels), [Augmentation()])
    settings = LoopSettings(device=device, batch_size=BATCH, epochs=STEPS * BATCH // len(crops))
    steps: list[Step] = []
    times: list[float] = []

    def on_step(step: Step) -> None:
        steps.append(step)
        times.append(time.perf_counter())

    run_loop(objective, data, spec, Constant(1e-4), settings, on_step=on_step)
    return [step.loss for step in steps], float(np.median(np.diff(times)[2:]))


def vectors(backbone: Backbone, images: list[ByteArray]) -> Float32Array:
    """The unit vectors (n, dimension) of images. Raises PreconditionError if one is not finite."""
    found = backbone.embed(images)
    for vector in found:
        if isinstance(vector, SpottedError):
            raise vector
    return np.stack([vector for vector in found if not isinstance(vector, SpottedError)])


def drawn(count: int, size_px: int) -> list[ByteArray]:
    """Images (size, size, 3) of coloured noise at several scales, the same ones every time."""
    rng = np.random.default_rng(0)
    images = np.zeros((count, size_px, size_px, 3))
    for cells in (4, 16, 64):
        coarse = rng.uniform(0.0, 85.0, (count, cells, cells, 3))
        index = np.arange(size_px) * cells // size_px
        images += coarse[:, index][:, :, index]
    return list(images.astype(np.uint8))


def rate(work: Callable[[], object], window_s: float) -> float:
    """Calls in a second, over `window_s` seconds and at least one call."""
    calls, started = 0, time.perf_counter()
    while True:
        work()
        calls += 1
        if (passed := time.perf_counter() - started) >= window_s:
            return calls / passed


if __name__ == "__main__":
    sys.exit(main())
