from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from spotted.cli.training.run_vectors import embed_by_run
from spotted.errors import NotFoundError
from spotted.formats.picture import Picture
from spotted.survey import Detection
from spotted.training.evaluation.vectors import embed_crops
from spotted.training.networks import NetworkSpec, build_network
from spotted.training.runs import RunManifest, write_run
from tests.spotted.training.coats import coat_crops

SPEC = NetworkSpec("test_vit", image_size=32, pooling="default", batch_norm=False)


def test_a_run_embeds_what_it_can_read(tmp_path: Path) -> None:
    network = build_network(SPEC, seed=4).eval()
    write_run(tmp_path / "run", RunManifest("coats", "arcface", SPEC), network)
    crops, _ = coat_crops(3, 1, size=32, seed=1)
    for row, crop in enumerate(crops):
        Image.fromarray(crop).save(tmp_path / f"{row}.png")
    (tmp_path / "1.png").write_bytes(b"no image")
    pictures = [Picture(Detection(f"d{row}"), tmp_path / f"{row}.png", None) for row in range(3)]
    found = embed_by_run(tmp_path / "run", [Picture(Detection("none"), None, None), *pictures])
    assert found.keys() == {1, 3}
    expected = embed_crops(network, crops[[0, 2]], SPEC)
    np.testing.assert_allclose(np.stack([found[1], found[3]]), expected, atol=1e-6)
    with pytest.raises(NotFoundError, match="holds no finished training; give the folder"):
        embed_by_run(tmp_path, pictures)
