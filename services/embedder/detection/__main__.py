"""`python -m services.embedder.detection DETECTOR PHOTOGRAPHS`: print what a detector finds, line by line."""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from pathlib import Path

import joblib

from services.common import process
from services.common.memory import memory_limit_bytes, resident_bytes
from services.embedder.detection.detectors import Detector, load_detector
from services.embedder.detection.image_detector import ImageDetector
from services.embedder.detection.lines import detect_lines, read_paths
from services.embedder.inference.decoding_budget import DecodingBudget, decoding_bytes
from services.embedder.inference.image_embedder import MOST_QUEUED_BYTES
from spotted.errors import SpottedError

FAILED = 1
# photographs read ahead of the detector, for each worker
AHEAD = 2


async def run(detector: Detector, paths: list[Path], *, workers: int) -> None:
    """Print a line for each photograph."""
    detector.warm_up()
    room = decoding_bytes(
        memory_limit_bytes(), held_bytes=resident_bytes(), queue_bytes=MOST_QUEUED_BYTES // 2
    )
    images = ImageDetector(detector, workers=workers, budget=DecodingBudget(room))
    try:
        async for line in detect_lines(images, paths, together=AHEAD * workers + detector.max_batch):
            sys.stdout.write(f"{line}\n")
            sys.stdout.flush()
    finally:
        await images.close()


def main() -> None:
    """Examine the photographs of a list."""
    parser = argparse.ArgumentParser(prog="python -m services.embedder.detection", description=__doc__)
    parser.add_argument("detector", type=Path, help="Folder of the detector")
    parser.add_argument("photographs", type=Path, help="File with a path as JSON on each line")
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    parser.add_argument("--workers", type=int, default=0, help="Threads; 0: one for each core")
    arguments = parser.parse_args()
    process.give_back_arrays()
    workers = arguments.workers or joblib.cpu_count()
    try:
        detector = load_detector(arguments.detector, device=arguments.device, threads=workers)
        asyncio.run(run(detector, read_paths(arguments.photographs), workers=workers))
    except SpottedError as error:
        sys.stdout.write(json.dumps({"error": str(error)}) + "\n")
        sys.exit(FAILED)
    except KeyboardInterrupt:
        # the command that started this process says so
        sys.exit(FAILED)


if __name__ == "__main__":
    main()
