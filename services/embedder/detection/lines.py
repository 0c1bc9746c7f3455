"""The photographs of a run, and what was found in each, as lines of JSON.

{"index": 3, "boxes": [[0, 0.91, 0.1, 0.2, 0.3, 0.4]]}     class, confidence, x, y, width, height
{"index": 4, "failure": "the image is damaged ..."}        the run goes on
{"error": "the detector returned ..."}                     the run ends
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterator, Sequence
from pathlib import Path

from services.embedder.detection.image_detector import ImageDetector
from spotted.errors import InvalidInputError, UnreadableImageError
from spotted.formats.detectors import FoundAnimals
from spotted.formats.image_kinds import read_sendable


def read_paths(file: Path) -> list[Path]:
    """The photographs that a file lists, a JSON string on each line."""
    return [Path(json.loads(line)) for line in file.read_text(encoding="utf-8").splitlines()]


async def detect_lines(
    detector: ImageDetector, paths: Sequence[Path], *, together: int
) -> AsyncIterator[str]:
    """A line for each photograph, as soon as it is examined. together: most photographs in memory.

    Raises the first error that is not of a photograph.
    """
    lines: asyncio.Queue[str | None] = asyncio.Queue()
    waiting = iter(enumerate(paths))

    async def examine_all() -> None:
        try:
            async with asyncio.TaskGroup() as group:
                for _ in range(together):
                    group.create_task(_examine(detector, waiting, lines))
        finally:
            lines.put_nowait(None)

    running = asyncio.create_task(examine_all())
    try:
        while (line := await lines.get()) is not None:
            yield line
        try:
            await running
        except ExceptionGroup as group:
            raise group.exceptions[0] from group
    finally:
        running.cancel()


async def _examine(
    detector: ImageDetector, waiting: Iterator[tuple[int, Path]], lines: asyncio.Queue[str | None]
) -> None:
    for index, path in waiting:
        try:
            found = await detector.detect(await asyncio.to_thread(_content, path))
        except UnreadableImageError as error:
            lines.put_nowait(json.dumps({"index": index, "failure": str(error)}))
        else:
            lines.put_nowait(_line(index, found))


def _content(path: Path) -> bytes:
    """The content of a photograph as services read it. Raises UnreadableImageError."""
    try:
        return read_sendable(path)
    except InvalidInputError as error:
        raise UnreadableImageError(str(error)) from error
    except OSError as error:
        raise UnreadableImageError(f"it cannot be read: {error.strerror or error}") from error


def _line(index: int, found: FoundAnimals) -> str:
    boxes = [[one.category, one.confidence, *one.box] for one in found.boxes]
    return json.dumps({"index": index, "boxes": boxes})
