"""Published sets written as a catalogue, because their folders are the identities and are never renamed."""

from __future__ import annotations

import os
from collections.abc import Mapping

from spotted.formats.layouts.catalogue_export import write_as_catalogue
from spotted.formats.published_sets import read_published, set_root
from spotted.formats.row import absolute_path


def write_published(
    directory: str | os.PathLike[str],
    target_directory: str | os.PathLike[str],
    individuals: Mapping[str, str],
    *,
    timezone: str | None = None,
    overwrite: bool = False,
) -> None:
    """Write a published set as a catalogue (see `spotted.formats.catalogue`) with individuals filled in.

    directory, timezone: as for `read_published`; dates are written in UTC, paths relative to the folder.
    individuals: individual id by detection id; a detection without one keeps the animal of its folder.
    Raises InvalidInputError for a detection that the set lacks, AlreadyExistsError if the target is not empty
    and `overwrite` is False.
    """
    imported = read_published(directory, timezone=timezone or None)
    root = set_root(absolute_path(directory))
    write_as_catalogue(imported, root, target_directory, individuals, overwrite=overwrite)
