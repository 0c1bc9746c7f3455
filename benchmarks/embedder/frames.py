"""Whole frames of camera traps, which have animals in boxes, beside the same work in process.

    python -m benchmarks.embedder.frames [--quick] [--model ID] [--megapixels N ...]

Frames of 3, 12 and 24 megapixels with 1 and 3 boxes. The base is done in process: each frame decoded once,
its boxes cut, and the bare session run. Beside it, through the service: a message for each box, one for each
frame with all of its boxes, and the same with fast decoding. All cases of a frame take turns in one run; a
ratio is the median of the quotients of the turns. Results go to out/benchmarks/embedder-frames.json
(embedder-frames-quick.json) and to the screen; exits 1 if a bar is missed.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from functools import partial
from typing import Any

from benchmarks.common import report
from benchmarks.common.crops import frame
from benchmarks.common.report import Bar
from benchmarks.common.servers import Serving, embedder
from benchmarks.common.timing import Turns, interleaved
from benchmarks.embedder.in_process import InProcess
from benchmarks.embedder.loads import Client
from benchmarks.embedder.metering import MS, Meter
from services.embedder.images.photograph import CropPart, Photograph
from spotted.boxes.cropping import FractionBox
from spotted.client import Crop
from spotted.client import CropPart as SentPart
from spotted.client.embedding_messages import crop_message
from spotted.training.networks import LITE0
from spotted.v1 import embedder_pb2 as pb

MEGAPIXELS = (3, 12, 24)
# thirds of width and height, as animals are framed at a few metres
BOXES = ((0.02, 0.3, 0.3, 0.4), (0.35, 0.5, 0.3, 0.4), (0.68, 0.2, 0.3, 0.4))
IN_FLIGHT = 8
BASE, APART, TOGETHER, FAST = "in_process", "one_box_each", "together", "together_fast"
FAST_DECODING = pb.Preparation(decoding=pb.DECODING_FAST)
# of three boxes the image is decoded once instead of thrice
LEAST_GAIN = 1.5
PAIRS, FRAMES = 7, 12


def messages(content: bytes, boxes: Sequence[tuple[float, float, float, float]]) -> dict[str, list[pb.Crop]]:
    """The messages of a frame: one for each box, and one for all."""
    others = tuple(SentPart(str(n), box) for n, box in enumerate(boxes) if n)
    apart = [crop_message(Crop(str(n), content, box)) for n, box in enumerate(boxes)]
    return {APART: apart, TOGETHER: [crop_message(Crop("0", content, boxes[0], others=others))]}


def measure(
    megapixels: int, boxes: int, in_process: InProcess, serving: Serving, *, frames: int, pairs: int
) -> tuple[dict[str, Any], list[Bar]]:
    """Measure every case of frames of one size."""
    content = frame(megapixels)
    parts = tuple(CropPart(FractionBox(*box)) for box in BOXES[:boxes])
    sent = messages(content, BOXES[:boxes])
    with Client(serving.address) as client:
        meter = Meter([serving.process])
        cases = {
            BASE: partial(in_process.embed_photographs, [Photograph(content, parts)] * frames),
            APART: partial(client.stream_crops, sent[APART] * frames, IN_FLIGHT),
            TOGETHER: partial(client.stream_crops, sent[TOGETHER] * frames, IN_FLIGHT),
            FAST: partial(client.stream_crops, sent[TOGETHER] * frames, IN_FLIGHT, FAST_DECODING),
        }
        metered = {case: meter.metered(case, work) for case, work in cases.items()}
        turns = interleaved(pairs=pairs, warm_up=1, **metered)
    wire = {case: sum(crop.ByteSize() for crop in sent.get(case, sent[TOGETHER])) for case in cases}
    figures = _figures(turns, meter, {**wire, BASE: 0}, frames)
    _show(f"frames of {megapixels} megapixels, {len(content) / 1e6:.1f} MB, {boxes} boxes", figures)
    gain = figures[APART]["processor_ms"] / figures[TOGETHER]["processor_ms"]
    words = f"{megapixels} megapixels, {boxes} boxes: processor time apart over together"
    bar = Bar(words, gain, least=LEAST_GAIN)
    return figures, [bar] if boxes > 1 else []


def _figures(turns: Turns, meter: Meter, wire: dict[str, int], frames: int) -> dict[str, Any]:
    figures: dict[str, Any] = {}
    for case in turns.seconds:
        share = turns.ratio(BASE, case)
        figures[case] = {
            "frames_per_s": frames / turns.median_s(case),
            "share_of_base": [share.median, share.low, share.high],
            "processor_ms": meter.processor_s(case, len(turns.seconds[case])) / frames * MS,
            "wire_bytes": wire[case],
        }
    return figures


def _show(title: str, figures: dict[str, Any]) -> None:
    rows = [
        (
            case,
            found["frames_per_s"],
            "{:.2f} [{:.2f}, {:.2f}]".format(*found["share_of_base"]),
            found["processor_ms"],
            found["wire_bytes"] / 1e6,
        )
        for case, found in figures.items()
    ]
    report.show(title, ("case", "frames/s", "of base", "processor ms/frame", "MB/frame"), rows)


def run(
    model_id: str, megapixels: Sequence[int], *, frames: int, pairs: int, results_as: str, workers: int
) -> int:
    """Measure, print and write everything; returns the exit status."""
    results: dict[str, Any] = {"model": model_id, "frames": {}}
    bars: list[Bar] = []
    in_process = InProcess(model_id, workers=workers)
    with embedder(model_id, workers=workers) as serving:
        for size in megapixels:
            for boxes in (1, len(BOXES)):
                figures, judged = measure(size, boxes, in_process, serving, frames=frames, pairs=pairs)
                results["frames"][f"{size}_megapixels_{boxes}_boxes"] = figures
                bars += judged
    print(f"written: {report.write(results_as, results, bars)}")
    return report.judge(bars)


def main() -> None:
    """Read the command line and run."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.embedder.frames", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="One short turn of small frames; exits 0")
    parser.add_argument("--model", default=LITE0, metavar="ID", help="Backbone")
    parser.add_argument(
        "--megapixels", nargs="+", type=int, default=list(MEGAPIXELS), help="Sizes of the frames"
    )
    parser.add_argument("--pairs", type=int, default=PAIRS, help="Number of measured turns")
    parser.add_argument("--frames", type=int, default=FRAMES, help="Frames in a turn")
    chosen = parser.parse_args()
    if chosen.quick:
        run(chosen.model, [1], frames=2, pairs=1, results_as="embedder-frames-quick", workers=report.cores())
        return
    status = run(
        chosen.model,
        chosen.megapixels,
        frames=chosen.frames,
        pairs=chosen.pairs,
        results_as="embedder-frames",
        workers=report.cores(),
    )
    sys.exit(status)


if __name__ == "__main__":
    main()
