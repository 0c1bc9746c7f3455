from __future__ import annotations

import os

import pytest
from PIL import Image

from services.embedder.images.masks import RleMask
from services.embedder.images.photograph import CropPart
from services.embedder.images.preprocessing import BYTES_PER_PIXEL, Preprocessing
from services.embedder.images.tones import Tone
from spotted.boxes.cropping import PixelBox
from tests.services.embedder.pictures import encoded
from tools.fuzz_cases import Case, pictures
from tools.fuzz_images import MEMORY_BYTES, FaultError, Watched, fuzz, task

# takes a few seconds; `make fuzz` runs for minutes
EXAMPLES = 400


def every_step(case: Case) -> str:
    Preprocessing(224, tone=Tone.EQUALISED).apply(case.content, case.part)
    return "accepted"


def hang(_: Case) -> str:
    while True:
        pass


def crash(_: Case) -> str:
    os.abort()


def fail(_: Case) -> str:
    raise ZeroDivisionError("once")


def hoard(_: Case) -> str:
    return bytes(2 * MEMORY_BYTES).hex()[:0] + "accepted"


def reserve(_: Case) -> str:
    return str(len(bytearray(1 << 40)))


@pytest.fixture
def sound() -> Case:
    """A case that is accepted."""
    return Case(0, pictures()[0])


def test_mutated_files_boxes_and_masks_are_read_or_refused_and_nothing_else() -> None:
    with Watched() as watched:
        fuzz(watched, examples=EXAMPLES, start=0)
    assert watched.answers.total() >= EXAMPLES
    # most damage is detected, and some files stay intact, so that all steps run
    assert watched.answers["refused"] > EXAMPLES // 10
    assert watched.answers["accepted"] > EXAMPLES // 10


@pytest.mark.parametrize(
    ("kind", "mode", "options"),
    [("JPEG", "RGB", {"progressive": True, "subsampling": 0}), ("PNG", "RGBA", {}), ("WEBP", "RGBA", {})],
)
def test_the_stated_memory_suffices_for_every_step(kind: str, mode: str, options: dict[str, object]) -> None:
    image = Image.radial_gradient("L").resize((2400, 2500)).convert(mode)
    if mode == "RGBA":
        image.putalpha(image.getchannel("R"))
    whole = RleMask(2500, 2400, [0, 6_000_000])
    part = CropPart(PixelBox(-100, -100, 2600, 2700), 0.5, whole)
    memory_bytes = BYTES_PER_PIXEL * 6_000_000 + (16 << 20)
    with Watched(every_step, memory_bytes=memory_bytes) as watched:
        watched.run(Case(0, encoded(image, kind, **options), part))
    # the decoded pixels take this much
    assert watched.most_bytes > 3 * 6_000_000


@pytest.mark.parametrize("kind", range(len(pictures())))
def test_the_files_that_are_mutated_are_sound(kind: int) -> None:
    assert task(Case(0, pictures()[kind])) == "accepted"


def test_the_watch_reports_a_hang(sound: Case) -> None:
    with Watched(hang, hang_s=0.2) as watched, pytest.raises(FaultError, match=r"more than 0.2 s"):
        watched.run(sound)


def test_the_watch_reports_a_crash_and_goes_on(sound: Case) -> None:
    with Watched(crash) as watched:
        for _ in range(2):
            with pytest.raises(FaultError, match="ended the process with status -6"):
                watched.run(sound)


def test_the_watch_reports_another_error(sound: Case) -> None:
    with Watched(fail) as watched, pytest.raises(FaultError, match="raised ZeroDivisionError: once"):
        watched.run(sound)


def test_the_watch_reports_memory_that_is_taken_and_that_is_requested(sound: Case) -> None:
    with Watched(hoard) as watched, pytest.raises(FaultError, match=r"took \d+ MB where|MemoryError"):
        watched.run(sound)
    with Watched(reserve) as watched, pytest.raises(FaultError, match="raised MemoryError"):
        watched.run(sound)
