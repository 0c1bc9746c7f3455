"""Names that look like one another, and images that are the same file."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path

from spotted.formats.picture import Picture

_SHOWN = 3


def similar_names(names: Iterable[str]) -> list[tuple[str, ...]]:
    """Groups of names that differ only in case, spaces and punctuation, sorted.

    >>> similar_names(["Anna", "anna", "Ben", "M 1", "M-1", "M1"])
    [('Anna', 'anna'), ('M 1', 'M-1', 'M1')]
    """
    alike: defaultdict[str, set[str]] = defaultdict(set)
    for name in names:
        alike["".join(filter(str.isalnum, name)).casefold() or name].add(name)
    return sorted(tuple(sorted(group)) for group in alike.values() if len(group) > 1)


def name_notes(pictures: Iterable[Picture]) -> Iterator[str]:
    """A note if individuals have similar names, and one if one file is several images."""
    individuals: set[str] = set()
    images: defaultdict[Path, set[str]] = defaultdict(set)
    for picture in pictures:
        individuals.add(picture.detection.individual_id)
        if picture.path is not None and picture.detection.image_id:
            images[picture.path].add(picture.detection.image_id)
    groups = similar_names(individuals - {""})
    if groups:
        shown = "; ".join(", ".join(map(repr, group)) for group in groups[:_SHOWN])
        yield (
            f"individuals with names that differ only in case, spaces or punctuation: {shown}; each spelling "
            "is an animal of its own; if they are one, write one name"
        )
    repeated = [path for path, ids in images.items() if len(ids) > 1]
    if repeated:
        ids = ", ".join(map(repr, sorted(images[repeated[0]])[:_SHOWN]))
        files = "1 file is" if len(repeated) == 1 else f"{len(repeated):,} files are"
        yield (
            f"{files} the image of several ids, such as {repeated[0]} of {ids}; they would match one "
            "another; remove the repeated rows"
        )
