"""Preparation of one costly image in a separate process, which ends with its caller.

The process has lower priority and limits of memory and processor time, so that a costly image neither holds a
worker nor outlives its caller, and a crash of a decoder concerns only its image. It costs about 0.7 s of
processor time to start. What it returns is read as bare pixels and local features, since a decoder may have
been taken over.
"""

from __future__ import annotations

import asyncio
import math
import os
import pickle
import resource
import struct
import sys
from asyncio.subprocess import PIPE
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from services.embedder.images.decoding import decode
from services.embedder.images.footprints import Footprint
from services.embedder.images.parts import PartError, PreparedCrop, prepare_parts
from services.embedder.images.photograph import Photograph
from services.embedder.images.preprocessing import Preprocessing
from services.embedder.images.tones import CHANNELS, LEVELS, CountArray, histograms
from spotted.errors import SpottedError, UnreadableImageError
from spotted.local_features.features import MOST_BYTES

if TYPE_CHECKING:
    from spotted.local_features.extraction.by_name import Extractor

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
TAKEN_OVER = (
    "the decoder's process wrote what it should not; the image may be an attack, do not send it again"
)

_LENGTH = struct.Struct("<I")

_Task: TypeAlias = "tuple[Photograph, Preprocessing | None, Extractor | None, int]"


async def prepare(
    photograph: Photograph,
    steps: Preprocessing,
    limits: Footprint,
    *,
    max_pixels: int,
    extractor: Extractor | None = None,
) -> list[PreparedCrop | PartError]:
    """`prepare_parts` in a separate process that is limited to a footprint.

    The process is killed if the caller is cancelled. Raises UnreadableImageError as `prepare_parts` does, and
    if the process ends early.
    """
    limits = _with_segmenter(limits, steps)
    rest = await _result((photograph, steps, extractor, max_pixels), limits)
    made: list[PreparedCrop | PartError] = []
    for _ in photograph.parts:
        part, rest = _read_part(rest, steps.size, local=extractor is not None)
        made.append(part)
    if rest:
        raise UnreadableImageError(TAKEN_OVER)
    return made


async def count_levels(content: bytes, limits: Footprint, *, max_pixels: int) -> CountArray:
    """`histograms` of an image file in a separate process, as `prepare`."""
    found = await _result((Photograph(content), None, None, max_pixels), limits)
    counts = np.zeros((CHANNELS, LEVELS), dtype=np.int64)
    if len(found) != counts.nbytes:
        raise UnreadableImageError(TAKEN_OVER)
    return np.frombuffer(found, dtype=np.int64).reshape(counts.shape)


def _with_segmenter(limits: Footprint, steps: Preprocessing) -> Footprint:
    """Limits of a process that loads a segmenter and runs it."""
    if steps.segmenter is None:
        return limits
    needs = steps.segmenter.needs
    seconds = SEGMENTER_RUNS * needs.seconds
    return Footprint(limits.bytes + needs.bytes, limits.cost + seconds / SECONDS_PER_COST)


async def _result(task: _Task, limits: Footprint) -> bytes:
    """The answer of the process, without its first byte."""
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
    if process.returncode or answer[:1] != DONE:
        raise UnreadableImageError(
            f"decoding the image ended the decoder's process (status {process.returncode}): it took more "
            f"than {seconds} s or more memory than its header announced; save it again as baseline JPEG"
        )
    return answer[1:]


def _part(part: PreparedCrop | PartError) -> bytes:
    """A part as the process writes it: whether it succeeded, its pixels, and a text or features."""
    if isinstance(part, PreparedCrop):
        features = part.local_features
        return DONE + part.pixels.tobytes() + _LENGTH.pack(len(features)) + features
    message = str(part).encode()
    return REFUSED + _LENGTH.pack(len(message)) + message


def _read_part(content: bytes, size: int, *, local: bool) -> tuple[PreparedCrop | PartError, bytes]:
    """The first part in what the process wrote, and the rest.

    Raises UnreadableImageError if it has another form.
    """
    done, shape = content[:1] == DONE, (size, size, CHANNELS)
    start = 1 + math.prod(shape) * done
    if content[:1] not in {DONE, REFUSED} or len(content) < start + _LENGTH.size:
        raise UnreadableImageError(TAKEN_OVER)
    (length,) = _LENGTH.unpack_from(content, start)
    end = start + _LENGTH.size + length
    if end > len(content) or (done and length > MOST_BYTES * local):
        raise UnreadableImageError(TAKEN_OVER)
    last, rest = content[start + _LENGTH.size : end], content[end:]
    if not done:
        return UnreadableImageError(last.decode("utf-8", errors="replace")), rest
    pixels = np.frombuffer(content[1:start], dtype=np.uint8).reshape(shape)
    return PreparedCrop(pixels, last), rest


def answer(task: _Task) -> bytes:
    """The result of the process for a task."""
    photograph, steps, extractor, max_pixels = task
    try:
        if steps is None:
            return DONE + histograms(decode(photograph.content, max_pixels=max_pixels)).tobytes()
        made = prepare_parts(photograph, steps, extractor, max_pixels=max_pixels)
        return DONE + b"".join(map(_part, made))
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
