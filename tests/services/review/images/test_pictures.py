from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from services.review.forms.errors import ImageMissingError
from services.review.images import rendering
from services.review.images.cache import PictureCache
from services.review.images.pictures import Pictures
from services.review.images.places import Places
from services.review.images.rendering import Rectangle, Size
from services.review.images.tiles import Tile
from spotted.errors import NotFoundError
from spotted.formats.layouts.recognition import PHOTOGRAPHS
from spotted.formats.sources import Source, remember
from spotted.survey import Detection, ImageBox
from tests.services.review.images.test_places import INFO
from tests.services.review.surveys_with_photographs import photograph


@pytest.fixture
def detection(tmp_path: Path) -> Detection:
    folder = tmp_path / "photographs"
    folder.mkdir()
    (folder / "a.jpg").write_bytes(photograph(1, size=(600, 400)))
    remember(tmp_path, "kruger", Source(package=str(folder), layout=PHOTOGRAPHS))
    return Detection("a", image_uri=str(folder / "a.jpg"), box=ImageBox(0.2, 0.2, 0.3, 0.3))


def pictures(directory: Path, most_bytes: int = 10**7) -> Pictures:
    return Pictures(Places(directory), PictureCache(directory / "pictures", most_bytes=most_bytes))


def test_a_picture_is_rendered_once_however_many_ask(
    detection: Detection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[int | None] = []
    render = rendering.rendered

    def counted(content: bytes, *, part: Rectangle | None, longest: int | None, retouch: None) -> bytes:
        calls.append(longest)
        return render(content, part=part, longest=longest, retouch=retouch)

    monkeypatch.setattr(rendering, "rendered", counted)

    async def ask() -> None:
        made = pictures(tmp_path)
        asked = [made.picture(INFO, detection, width="320", crop=False) for _ in range(6)]
        assert len(set(await asyncio.gather(*asked))) == 1
        # another process finds it on disk
        await pictures(tmp_path).picture(INFO, detection, width="320", crop=False)
        crop, _ = await made.picture(INFO, detection, width="320", crop=True)
        whole, _ = await made.picture(INFO, detection, width="1600", crop=False)
        assert crop != whole

    asyncio.run(ask())
    assert len(calls) == 3


def test_a_caller_who_leaves_does_not_stop_the_picture_of_the_others(
    detection: Detection, tmp_path: Path
) -> None:
    async def ask() -> None:
        made = pictures(tmp_path)
        first, second = (
            asyncio.create_task(made.picture(INFO, detection, width="full", crop=False)) for _ in range(2)
        )
        await asyncio.sleep(0)
        first.cancel()
        _, content = await second
        assert content is not None

    asyncio.run(ask())


def test_tiles_that_cannot_be_kept_name_the_setting(detection: Detection, tmp_path: Path) -> None:
    async def ask() -> None:
        digest, tile = await pictures(tmp_path).tile(INFO, detection, Tile(10, 1, 0))
        assert len(digest) == 64
        assert tile.startswith(b"\xff\xd8")
        shown = await pictures(tmp_path).shown(INFO, detection)
        assert (shown.size, shown.box) == (Size(600, 400), detection.box)
        assert shown.whole == {"320": Size(300, 200), "1600": Size(600, 400)}
        with pytest.raises(NotFoundError, match="SPOTTED_REVIEW_CACHE_MIB"):
            await Pictures(Places(tmp_path), PictureCache(tmp_path / "small", most_bytes=10)).tile(
                INFO, detection, Tile(10, 0, 0)
            )

    asyncio.run(ask())


def test_a_file_that_is_away_is_an_error_for_everyone_who_asks(detection: Detection, tmp_path: Path) -> None:
    Path(detection.image_uri).unlink()

    async def ask() -> None:
        made = pictures(tmp_path)
        asked = [made.picture(INFO, detection, width="320", crop=False) for _ in range(3)]
        found = await asyncio.gather(*asked, return_exceptions=True)
        assert all(isinstance(one, ImageMissingError) for one in found)

    asyncio.run(ask())
