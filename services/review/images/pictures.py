"""Pictures of detections, each rendered once and by few threads, since pixels take memory."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from services.review.images import rendering
from services.review.images.cache import PictureCache, digest
from services.review.images.places import File, Places
from services.review.images.rendering import Size
from services.review.images.tiles import Pyramid
from spotted.client.values import SurveyInfo
from spotted.errors import NotFoundError
from spotted.survey import Detection, ImageBox

# pictures that are rendered at the same time: one of 12 megapixels takes 36 MB
AT_ONCE = 2
# the way in which pictures are rendered; another one makes other pictures of the same files
RECIPE = "1"
WIDTHS = {"320": 320, "1600": 1600, "full": None}


class Pictures:
    """The pictures of a data directory."""

    def __init__(self, places: Places, cache: PictureCache) -> None:
        self._places = places
        self._cache = cache
        self._rendering = asyncio.Semaphore(AT_ONCE)
        self._under_way: dict[str, asyncio.Task[bytes]] = {}

    async def picture(
        self, survey: SurveyInfo, detection: Detection, *, width: str, crop: bool, known: str = ""
    ) -> tuple[str, bytes | None]:
        """The digest and the JPEG of a detection's photograph, without a JPEG if the digest is the known one.

        width: one of WIDTHS. crop: only the animal and what is around it. Raises ImageMissingError,
        UnreadableImageError.
        """
        file = await asyncio.to_thread(self._places.file, survey, detection)
        box = detection.box if crop else None
        key = digest(RECIPE, file.path or file.url, file.version, width, box)
        if key == known:
            return key, None

        def make() -> bytes:
            content = file.read()
            part = None if box is None else rendering.around(box, rendering.upright_size(content))
            return rendering.rendered(content, part=part, longest=WIDTHS[width])

        return key, await self._once(key, make)

    async def size(self, survey: SurveyInfo, detection: Detection) -> tuple[Size, ImageBox | None]:
        """The size of the upright photograph, and the detection's box in fractions. Raises as `picture`."""
        file = await asyncio.to_thread(self._places.file, survey, detection)
        size = await asyncio.to_thread(lambda: rendering.upright_size(file.read()))
        return size, rendering.fractions(detection.box, size)

    async def tile(
        self, survey: SurveyInfo, detection: Detection, level: int, column: int, row: int
    ) -> tuple[str, bytes]:
        """The digest and the JPEG of a tile, made with all others of its level. Raises NotFoundError."""
        file = await asyncio.to_thread(self._places.file, survey, detection)
        made = digest(RECIPE, file.path or file.url, file.version, "tiles", level)
        key = digest(made, column, row)
        found = await asyncio.to_thread(self._cache.get, key)
        if found is None:
            await self._once(made, lambda: self._cut(file, level, column, row, made))
            found = await asyncio.to_thread(self._cache.get, key)
        if found is None:
            # the cache is too small, or the disk is full
            raise NotFoundError(
                "the tile could not be kept; give the page more room (SPOTTED_REVIEW_CACHE_MIB)"
            )
        return key, found

    def _cut(self, file: File, level: int, column: int, row: int, made: str) -> bytes:
        """Put the tiles of a level into the cache."""
        content = file.read()
        pyramid = Pyramid(rendering.upright_size(content))
        pyramid.check(level, column, row)
        size = pyramid.level(level)
        longest = None if level == pyramid.highest else max(size.width, size.height)
        for at, below, tile in pyramid.cut(rendering.pixels(content, longest=longest)):
            self._cache.put(digest(made, at, below), rendering.encoded(tile))
        return b""

    async def _once(self, key: str, make: Callable[[], bytes]) -> bytes:
        """The picture of a key: from the cache, or made by the first who asks while the others wait."""
        found = await asyncio.to_thread(self._cache.get, key)
        if found is not None:
            return found
        task = self._under_way.get(key)
        if task is None:
            task = self._under_way[key] = asyncio.create_task(self._make(key, make))
            task.add_done_callback(lambda _: self._under_way.pop(key, None))
        # the picture is finished for the others although this caller has left
        return await asyncio.shield(task)

    async def _make(self, key: str, make: Callable[[], bytes]) -> bytes:
        async with self._rendering:
            content = await asyncio.to_thread(make)
        if content:
            await asyncio.to_thread(self._cache.put, key, content)
        return content
