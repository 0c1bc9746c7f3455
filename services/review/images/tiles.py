"""Pictures as pyramids of tiles: `highest` is full size, each lower level half of it, level 0 one pixel."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from services.review.images.rendering import Pixels, Size
from spotted.errors import NotFoundError

TILE = 512


@dataclass(frozen=True, slots=True)
class Tile:
    """The place of a tile."""

    level: int
    column: int
    row: int


@dataclass(frozen=True, slots=True)
class Pyramid:
    """The tiles of a picture of one size.

    >>> Pyramid(Size(4000, 3000)).highest, Pyramid(Size(4000, 3000)).level(11)
    (12, Size(width=2000, height=1500))
    """

    size: Size
    """The size of the picture."""

    @property
    def highest(self) -> int:
        """The level of full size."""
        return (max(self.size.width, self.size.height) - 1).bit_length()

    def level(self, level: int) -> Size:
        """The size of a level. Raises NotFoundError if there is none."""
        if not 0 <= level <= self.highest:
            raise NotFoundError(f"the picture has no level {level}; its levels are 0 to {self.highest}")
        factor = 2 ** (self.highest - level)
        return Size(-(-self.size.width // factor), -(-self.size.height // factor))

    def check(self, tile: Tile) -> None:
        """Raises NotFoundError if there is no such tile."""
        size = self.level(tile.level)
        if not (0 <= tile.column * TILE < size.width and 0 <= tile.row * TILE < size.height):
            raise NotFoundError(
                f"level {tile.level} of the picture has no tile in column {tile.column}, row {tile.row}"
            )

    def cut(self, level: Pixels) -> Iterator[tuple[int, int, Pixels]]:
        """Column, row and pixels of each tile of a level."""
        height, width = level.shape[:2]
        for row in range(-(-height // TILE)):
            for column in range(-(-width // TILE)):
                left, top = column * TILE, row * TILE
                yield column, row, level[top : top + TILE, left : left + TILE]
