from __future__ import annotations

import pickle
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from services.embedder.images.photograph import CropPart
from services.embedder.images.preprocessing import Preprocessing
from services.embedder.images.segmenting import Segmenter, load_segmenter
from spotted.boxes.cropping import PixelBox
from spotted.errors import UnreadableImageError
from tests.services.embedder.images.drawn_segmenters import write_segmenter
from tests.services.embedder.pictures import encoded


@pytest.fixture
def segmenter(tmp_path: Path) -> Segmenter:
    return load_segmenter(write_segmenter(tmp_path, "sam"), threads=2)


def test_the_animal_is_masked_before_it_is_embedded(segmenter: Segmenter) -> None:
    image = np.full((100, 100, 3), 60, dtype=np.uint8)
    image[30:70, 40:80] = (230, 90, 10)
    steps = Preprocessing(64, fill=(1, 2, 3), segmenter=segmenter)
    content, part = encoded(image), CropPart(PixelBox(20, 20, 64, 64))
    found = steps.apply(content, part)
    whole = replace(steps, segmenter=None).apply(content, part)
    # the animal is as photographed, all else has the colour of the fill
    assert (found[20:40, 28:50] == whole[20:40, 28:50]).all()
    assert (found[:5] == (1, 2, 3)).all()
    assert (found[:, :14] == (1, 2, 3)).all()
    assert steps.digest != replace(steps, segmenter=None).digest
    with pytest.raises(UnreadableImageError, match="the segmenter shows no animal inside the box"):
        steps.apply(content, CropPart(PixelBox(80, 80, 20, 20)))


def test_another_process_loads_both_graphs_again(segmenter: Segmenter) -> None:
    sent = pickle.loads(pickle.dumps(segmenter))  # noqa: S301 - our own bytes
    image = np.full((40, 40, 3), 30, dtype=np.uint8)
    image[10:30, 10:30] = 230
    window = slice(5, 35), slice(5, 35)
    found = sent.mask(image, *window)
    assert found.any()
    assert np.array_equal(found, segmenter.mask(image, *window))
    assert sent.digest == segmenter.digest
