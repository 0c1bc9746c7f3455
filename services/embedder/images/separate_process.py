"""Preparation of one costly image in a separate process, which ends with its caller.

The process has lower priority and limits of memory and processor time, so that a costly image neither holds a
worker nor outlives its caller, and a crash of a decoder concerns only its image. It costs about 0.7 s of
processor time to start. What it returns is read as bare pixels and local features, since a decoder may have
been taken over.
"""

from __future__ import annotations

import asyncio
import os
import pickle
import resource
import sys
from asyncio.subprocess import PIPE
from pathlib import Path
from typing import TypeAlias

import numpy as np

from services.embedder.images.decoding import decode
from services.embedder.images.footprints import Footprint
from services.embedder.images.local_extraction import LoadedExtractor, PreparedCrop, prepare_crop
from services.embedder.images.preprocessing import ImageCrop, Preprocessing
from services.embedder.images.tones import CHANNELS, LEVELS, CountArray, histograms
from spotted.errors import SpottedError, UnreadableImageError
from spotted.local_features.features import MOST_BYTES

MODULE = "services.embedder.images.separate_process"
# what the process holds beside the image, its libraries included
PROCESS_BYTES = 96 << 20
# addresses that allocators reserve without memory
RESERVED_BYTES = 256 << 20
# still a third of a busy core beside one worker; at 19 an image would wait for minutes
LOWER_PRIORITY = 5
# limit of processor time: some seconds, and several times what was measured for a unit of cost
START_S, SECONDS_PER_COST = 5, 0.02
# time to load a segmenter and to run it once with other processes beside it, in runs
SEGMENTER_RUNS = 4
DONE, REFUSED = b"+", b"-"

_Task: TypeAlias = "tuple[ImageCrop, Preprocessing | None, LoadedExtractor | None, int]"


async def prepare(
    crop: ImageCrop,
    steps: Preprocessing,
    limits: Footprint,
    *,
    max_pixels: int,
    extractor: LoadedExtractor | None = None,
) -> PreparedCrop:
    """`prepare_crop` in a separate process that is limited to a footprint.

    The process is killed if the caller is cancelled. Raises UnreadableImageError as `apply` does, and if the
    process ends early.
    """
    limits = _with_segmenter(limits, steps)
    size = steps.size**2 * CHANNELS
    more = MOST_BYTES if extractor else 0
    content = await _result((crop, steps, extractor, max_pixels), limits, size, more)
    pixels = np.frombuffer(content[:size], dtype=np.uint8).reshape(steps.size, steps.size, CHANNELS)
    return PreparedCrop(pixels, content[size:])


async def count_levels(content: bytes, limits: Footprint, *, max_pixels: int) -> CountArray:
    """`histograms` of an image file in a separate process, as `prepare`."""
    counts = np.zeros((CHANNELS, LEVELS), dtype=np.int64)
    found = await _result((ImageCrop(content), None, None, max_pixels), limits, counts.nbytes)
    return np.frombuffer(found, dtype=np.int64).reshape(counts.shape)


def _with_segmenter(limits: Footprint, steps: Preprocessing) -> Footprint:
    """Limits of a process that loads a segmenter and runs it."""
    if steps.segmenter is None:
        return limits
    needs = steps.segmenter.needs
    seconds = SEGMENTER_RUNS * needs.seconds
    return Footprint(limits.bytes + needs.bytes, limits.cost + seconds / SECONDS_PER_COST)


async def _result(task: _Task, limits: Footprint, size: int, more: int = 0) -> bytes:
    """The answer of the process: `size` bytes, and up to `more` after them."""
    seconds = round(START_S + SECONDS_PER_COST * limits.cost)
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", MODULE, str(limits.bytes), str(seconds), stdin=PIPE, stdout=PIPE
    )
    try:
        answer, _ = await process.communicate(pickle.dumps(task))
    finally:
        if process.returncode is None:
            process.kill()
            # the memory is free when the process is gone
            await asyncio.shield(process.wait())
    if answer[:1] == REFUSED:
        raise UnreadableImageError(answer[1:].decode("utf-8", errors="replace"))
    if answer[:1] != DONE or not 1 + size <= len(answer) <= 1 + size + more:
        raise UnreadableImageError(
            f"decoding the image ended the decoder's process (status {process.returncode}): it took more "
            f"than {seconds} s or more memory than its header announced; save it again as baseline JPEG"
        )
    return answer[1:]


def answer(task: _Task) -> bytes:
    """The result of the process for a task."""
    crop, steps, extractor, max_pixels = task
    try:
        if steps is None:
            return DONE + histograms(decode(crop.content, max_pixels=max_pixels)).tobytes()
        made = prepare_crop(crop, steps, extractor, max_pixels=max_pixels)
        return DONE + made.pixels.tobytes() + made.local_features
    except SpottedError as error:
        return REFUSED + str(error).encode()
    except MemoryError:
        return REFUSED + b"decoding the image takes more memory than its header announced; save it as JPEG"


def limit_process(memory_bytes: int, seconds: int) -> None:
    """Limit this process: memory beside what it has now, processor time, priority, no core file."""
    now = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    most = now + memory_bytes + RESERVED_BYTES
    resource.setrlimit(resource.RLIMIT_AS, (most, most))
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    os.nice(LOWER_PRIORITY)


def main() -> None:
    """Answer the task on the standard input."""
    limit_process(int(sys.argv[1]), int(sys.argv[2]))
    task: _Task = pickle.loads(sys.stdin.buffer.read())  # noqa: S301 - written by the process that started this one
    sys.stdout.buffer.write(answer(task))


if __name__ == "__main__":
    main()
