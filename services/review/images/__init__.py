"""Photographs as browsers see them: found where they were imported from, upright, without any metadata.

places     where the file of a detection lies, and where it may
remote     photographs of listed hosts
rendering  files to upright JPEGs without metadata
strips     the strips that cameras print into photographs
tiles      pictures as pyramids of tiles
cache      rendered pictures on disk, within a bound
pictures   pictures of detections, rendered once
"""

from services.review.images.pictures import Pictures
from services.review.images.places import Places

__all__ = ["Pictures", "Places"]
