"""Pictures of detections, each rendered once and by few threads, since pixels take memory."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from services.review.images import rendering
from services.review.images.cache import PictureCache, digest
from services.review.images.places import File, Places
from services.review.images.rendering import Pixels, Size
from services.review.images.strips import without_strips
from services.review.images.tiles import Pyramid, Tile
from spotted.client.values import SurveyInfo
from spotted.errors import NotFoundError
from spotted.survey import Detection, ImageBox

# pictures that are rendered at the same time: one of 12 megapixels takes 36 MB
AT_ONCE = 2
# the way in which pictures are rendered; another one makes other pictures of the same files
RECIPE = "2"
WIDTHS = {"320": 320, "1600": 1600, "full": None}


@dataclass(frozen=True, slots=True)
class Shown:
    """The sizes in which a photograph is shown."""

    size: Size
    """Upright, all pixels."""
    whole: dict[str, Size]
    """The whole photograph by width of WIDTHS."""
    box: ImageBox | None
    """The animal in fractions; None for the whole photograph."""


class Pictures:
    """The pictures of a data directory."""

    def __init__(self, places: Places, cache: PictureCache) -> None:
        self._places = places
        self._cache = cache
        self._rendering = asyncio.Semaphore(AT_ONCE)
        self._under_way: dict[str, asyncio.Task[bytes]] = {}

    async def picture(
        self,
        survey: SurveyInfo,
        detection: Detection,
        *,
        width: str,
        crop: bool,
        masked: bool = False,
        known: str = "",
    ) -> tuple[str, bytes | None]:
        """The digest and the JPEG of a detection's photograph, without a JPEG if the digest is the known one.

        width: one of WIDTHS. crop: only the animal and what is around it. masked: without the strips that the
        camera printed into it. Raises ImageMissingError, UnreadableImageError.
        """
        file = await asyncio.to_thread(self._places.file, survey, detection)
        box = detection.box if crop else None
        key = digest(RECIPE, file.path or file.url, file.version, width, box, masked)
        if key == known:
            return key, None

        read = await self._reader(file)

        def make() -> bytes:
            content = read()
            part = None if box is None else rendering.around(box, rendering.upright_size(content))
            return rendering.rendered(
                content, part=part, longest=WIDTHS[width], retouch=_retouch(masked=masked)
            )

        return key, await self._once(key, make)

    async def shown(self, survey: SurveyInfo, detection: Detection) -> Shown:
        """The sizes of a photograph. Raises as `picture`."""
        file = await asyncio.to_thread(self._places.file, survey, detection)
        read = await self._reader(file)

        def look() -> Shown:
            content = read()
            size = rendering.upright_size(content)
            whole = {w: rendering.whole_size(content, px) for w, px in WIDTHS.items() if px is not None}
            return Shown(size, whole, rendering.fractions(detection.box, size))

        return await asyncio.to_thread(look)

    async def tile(
        self, survey: SurveyInfo, detection: Detection, at: Tile, *, masked: bool = False
    ) -> tuple[str, bytes]:
        """The digest and the JPEG of a tile, made with all others of its level. Raises NotFoundError.

        masked: as in `picture`.
        """
        file = await asyncio.to_thread(self._places.file, survey, detection)
        made = digest(RECIPE, file.path or file.url, file.version, "tiles", at.level, masked)
        key = digest(made, at.column, at.row)
        found = await asyncio.to_thread(self._cache.get, key)
        if found is None:
            read = await self._reader(file)
            await self._once(made, lambda: self._cut(read(), at, made, masked=masked))
            found = await asyncio.to_thread(self._cache.get, key)
        if found is None:
            # the cache is too small, or the disk is full
            raise NotFoundError(
                "the tile could not be kept; give the page more room (SPOTTED_REVIEW_CACHE_MIB)"
            )
        return key, found

    async def _reader(self, file: File) -> Callable[[], bytes]:
        """Reads a photograph as JPEG, PNG or WebP; another kind is converted once and kept as JPEG."""
        if not rendering.is_converted(file.name):
            return file.read
        key = digest(RECIPE, file.path or file.url, file.version, "converted")
        content = await self._once(key, lambda: rendering.as_jpeg(file.read(), file.name))
        return lambda: content

    def _cut(self, content: bytes, at: Tile, made: str, *, masked: bool) -> bytes:
        """Put the tiles of a level into the cache."""
        pyramid = Pyramid(rendering.upright_size(content))
        pyramid.check(at)
        size = pyramid.level(at.level)
        longest = None if at.level == pyramid.highest else max(size.width, size.height)
        level = rendering.pixels(content, longest=longest, exact=True, retouch=_retouch(masked=masked))
        for column, row, tile in pyramid.cut(level):
            self._cache.put(digest(made, column, row), rendering.encoded(tile))
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


def _retouch(*, masked: bool) -> Callable[[Pixels], Pixels] | None:
    return without_strips if masked else None
