from __future__ import annotations

from collections.abc import Callable

import pytest

from services.embedder.images.headers import MAX_PIXELS, read_header
from spotted.errors import UnreadableImageError
from tools.hostile_images import EDGE, HOSTILE, mixture


@pytest.mark.parametrize("make", HOSTILE)
def test_a_hostile_file_is_small_and_claims_many_pixels(make: Callable[[int], bytes]) -> None:
    content = make(400)
    assert len(content) < 2_500
    header = read_header(content)
    assert (header.width, header.height) == (400, 400)
    assert EDGE**2 == MAX_PIXELS


def test_a_mixture_is_the_same_for_a_seed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tools.hostile_images.EDGE", 500)
    monkeypatch.setattr("tools.hostile_images.HOSTILE", HOSTILE[3:4])
    assert mixture(20, seed=1) == mixture(20, seed=1)
    assert mixture(20, seed=1) != mixture(20, seed=2)


def test_the_largest_sequential_file_is_refused_by_its_scans() -> None:
    with pytest.raises(UnreadableImageError, match="scans"):
        read_header(HOSTILE[3](EDGE))
