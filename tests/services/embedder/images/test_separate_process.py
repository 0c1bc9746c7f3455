from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from services.embedder.images import separate_process
from services.embedder.images.decoding import ByteArray, decode
from services.embedder.images.footprints import Footprint, footprint
from services.embedder.images.parts import PreparedCrop
from services.embedder.images.photograph import WHOLE_IMAGE, CropPart, Photograph
from services.embedder.images.preprocessing import Preprocessing
from services.embedder.images.segmenting import load_segmenter
from services.embedder.images.separate_process import (
    DONE,
    REFUSED,
    _read_part,
    answer,
    count_levels,
    prepare,
)
from services.embedder.images.tones import Tone, histograms
from spotted.boxes.cropping import PixelBox
from spotted.errors import UnreadableImageError
from spotted.local_features.features import MOST_BYTES
from tests.services.embedder.images.drawn_segmenters import write_segmenter
from tests.services.embedder.pictures import FORMATS, encoded
from tools.hostile_images import many_scans

STEPS = Preprocessing(224, tone=Tone.EQUALISED)
MAX_PIXELS = 64_000_000


def children() -> set[int]:
    """The processes that this one started and that run the module."""
    found = set()
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            parent = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
            if parent == os.getpid() and separate_process.MODULE in (folder / "cmdline").read_text():
                found.add(int(folder.name))
        except OSError:
            continue
    return found


async def started() -> int:
    """The process, as soon as it runs."""
    while True:
        for process in children():
            return process
        await asyncio.sleep(0.01)


@pytest.mark.parametrize("kind", FORMATS)
def test_the_pixels_are_those_of_the_same_steps_here(drawing: ByteArray, kind: str) -> None:
    turned, outside = CropPart(PixelBox(60, 50, 200, 140), 0.5), CropPart(PixelBox(900, 0, 10, 10))
    image = Photograph(encoded(drawing, kind), (turned, outside, WHOLE_IMAGE))
    found = asyncio.run(prepare(image, STEPS, footprint(image, STEPS), max_pixels=MAX_PIXELS))
    first, refused, last = found
    assert isinstance(first, PreparedCrop)
    assert isinstance(last, PreparedCrop)
    assert np.array_equal(first.pixels, STEPS.apply(image.content, turned))
    assert np.array_equal(last.pixels, STEPS.apply(image.content))
    assert isinstance(refused, UnreadableImageError)
    assert "lies outside the image of 400 x 300 pixels" in str(refused)


def test_a_segmenter_is_loaded_and_run_within_what_it_was_measured_to_take(tmp_path: Path) -> None:
    segmenter = load_segmenter(write_segmenter(tmp_path, "sam"))
    segmenter.warm_up()
    steps = Preprocessing(64, segmenter=segmenter)
    image = np.full((100, 100, 3), 60, dtype=np.uint8)
    image[30:70, 40:80] = 230
    part = CropPart(PixelBox(20, 20, 64, 64))
    photograph = Photograph(encoded(image), (part,))
    limits = footprint(photograph, steps)
    (found,) = asyncio.run(prepare(photograph, steps, limits, max_pixels=MAX_PIXELS))
    assert isinstance(found, PreparedCrop)
    assert np.array_equal(found.pixels, steps.apply(photograph.content, part))
    more = separate_process._with_segmenter(limits, steps)
    assert more.bytes == limits.bytes + segmenter.needs.bytes
    assert (more.cost - limits.cost) * separate_process.SECONDS_PER_COST == pytest.approx(
        4 * segmenter.needs.seconds
    )
    assert separate_process._with_segmenter(limits, STEPS) == limits


def test_the_levels_are_those_counted_here(drawing: ByteArray) -> None:
    content = encoded(drawing, "JPEG")
    found = asyncio.run(count_levels(content, footprint(Photograph(content), STEPS), max_pixels=MAX_PIXELS))
    assert np.array_equal(found, histograms(decode(content)))


def test_a_refusal_arrives_as_it_is_raised_here(drawing: ByteArray) -> None:
    torn = Photograph(encoded(drawing, "PNG")[:500])
    with pytest.raises(UnreadableImageError, match="damaged or truncated"):
        asyncio.run(prepare(torn, STEPS, footprint(torn, STEPS), max_pixels=MAX_PIXELS))
    assert answer((torn, STEPS, None, MAX_PIXELS))[:1] == REFUSED
    assert answer((Photograph(encoded(drawing)), STEPS, None, MAX_PIXELS))[:1] == DONE


@pytest.mark.parametrize("local", [False, True])
def test_an_answer_of_another_form_is_refused(drawing: ByteArray, *, local: bool) -> None:
    image, size = Photograph(encoded(drawing), (WHOLE_IMAGE, CropPart(PixelBox(900, 0, 10, 10)))), STEPS.size
    whole = answer((image, STEPS, None, MAX_PIXELS))[1:]
    first, rest = _read_part(whole, size, local=local)
    second, end = _read_part(rest, size, local=local)
    assert (type(first), type(second), end) == (PreparedCrop, UnreadableImageError, b"")
    length = len(whole) - len(rest) - 4
    for damaged in (
        b"",
        b"?" + whole[1:],
        whole[:length],
        rest[:-1],
        # features longer than any
        whole[:length] + (MOST_BYTES + 1).to_bytes(4, "little") + bytes(MOST_BYTES + 1),
        whole[:length] + (1 << 31).to_bytes(4, "little") + rest,
    ):
        with pytest.raises(UnreadableImageError, match="wrote what it should not"):
            _read_part(damaged, size, local=local)


def test_an_image_that_takes_more_memory_than_announced_is_refused() -> None:
    # 324 MB, where 16 MiB are announced
    image = Photograph(many_scans(6000, 9))
    with pytest.raises(UnreadableImageError, match=r"more memory than its header|damaged or truncated"):
        asyncio.run(prepare(image, STEPS, Footprint(16 << 20, 1.0), max_pixels=MAX_PIXELS))


def test_the_process_ends_with_its_caller() -> None:
    image = Photograph(many_scans(8000, 9))

    async def leave() -> set[int]:
        task = asyncio.create_task(prepare(image, STEPS, footprint(image, STEPS), max_pixels=MAX_PIXELS))
        await started()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        return children()

    assert asyncio.run(leave()) == set()


def test_a_process_that_is_killed_refuses_its_image_only() -> None:
    image = Photograph(many_scans(8000, 9))

    async def killed() -> None:
        task = asyncio.create_task(prepare(image, STEPS, footprint(image, STEPS), max_pixels=MAX_PIXELS))
        os.kill(await started(), signal.SIGKILL)
        with pytest.raises(UnreadableImageError, match=r"ended the decoder's process \(status -9\)"):
            await task

    asyncio.run(killed())


def test_the_process_limits_itself() -> None:
    code = (
        "import os, resource; from services.embedder.images.separate_process import limit_process; "
        "limit_process(1 << 20, 7); "
        "print(resource.getrlimit(resource.RLIMIT_CPU)[0], resource.getrlimit(resource.RLIMIT_CORE)[0], "
        "os.nice(0), resource.getrlimit(resource.RLIMIT_AS)[0] < 8 << 30)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["7", "0", str(min(os.nice(0) + 5, 19)), "True"]
