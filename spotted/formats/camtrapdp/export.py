"""Camtrap DP packages written back with individuals."""

from __future__ import annotations

import hashlib
import json
import os
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path

from spotted.errors import InvalidInputError
from spotted.formats.camtrapdp.events import observation_of
from spotted.formats.camtrapdp.package import (
    DESCRIPTOR,
    Json,
    Package,
    check_local,
    list_resources,
    open_package,
)
from spotted.formats.csv_cells import fill_individuals
from spotted.formats.csv_table import read_table
from spotted.formats.file_set import write_fileset
from spotted.formats.problems import Problems
from spotted.formats.row import absolute_path

ID_COLUMN = "observationID"
INDIVIDUAL_COLUMN = "individualID"


def write_camtrapdp(
    source_directory: str | os.PathLike[str],
    target_directory: str | os.PathLike[str],
    individuals: Mapping[str, str],
    *,
    overwrite: bool = False,
) -> tuple[str, ...]:
    """Copy a package, with `individualID` of its observations filled in and every other byte unchanged.

    individuals: individual id by detection id; "" leaves a cell as it is. An event-based observation gets the
        individual that all of its images show; if they show several its cell stays, and a note says so.
    The column is appended if the observations lack it. datapackage.json and the files of all resources are
    copied unchanged; the descriptor is rewritten only if it has an inline schema without the column, or the
    size or hash of the observations. Media files are not copied: read the copy with the source as
    `images_root`.
    Raises InvalidInputError for a detection that the observations lack, AlreadyExistsError if the target is
    not empty and `overwrite` is False. The source is never changed.
    """
    package = open_package(source_directory)
    target = absolute_path(target_directory)
    sources = _sources(package)
    observations = package.files["observations"][0]
    by_observation, notes = _by_observation(package, individuals)
    table = fill_individuals(
        package.table("observations"),
        INDIVIDUAL_COLUMN,
        by_observation,
        lambda cells: cells[ID_COLUMN],
        reads=[ID_COLUMN],
        delimiter=package.delimiter("observations"),
    )
    contents: dict[str, bytes | Path] = {path: sources[path] for path in sources}
    contents[observations] = table
    descriptor = _descriptor(package, table)
    if descriptor is not None:
        contents[DESCRIPTOR] = descriptor
    write_fileset(target, contents, sources=sources, overwrite=overwrite)
    return notes


def _by_observation(
    package: Package, individuals: Mapping[str, str]
) -> tuple[dict[str, str], tuple[str, ...]]:
    """The individual of each observation, and a note about events whose images show several."""
    rows = read_table(
        package.table("observations"),
        (ID_COLUMN,),
        Problems(),
        delimiter=package.delimiter("observations"),
    )
    observations = {row.text(ID_COLUMN) for row in rows}
    found: defaultdict[str, set[str]] = defaultdict(set)
    for detection_id, individual_id in individuals.items():
        observation_id = observation_of(detection_id, observations) or detection_id
        found[observation_id] |= {individual_id} if individual_id else set()
    several = [observation_id for observation_id, ids in found.items() if len(ids) > 1]
    filled = {i: next(iter(ids)) if len(ids) == 1 else "" for i, ids in found.items()}
    if not several:
        return filled, ()
    note = (
        f"{len(several):,} event-based observations whose images show different individuals, such as "
        f"{several[0]!r}, were left as they are; compare their images with one another and export again"
    )
    return filled, (note,)


def _sources(package: Package) -> dict[str, Path]:
    """The descriptor and the files of all resources, by relative path; URLs are left out."""
    sources = {DESCRIPTOR: package.directory / DESCRIPTOR}
    for resource, paths in package.files.items():
        for path in paths:
            if "://" in path:
                continue
            check_local(package.directory, path, f"resources.{resource}.path")
            sources[path] = package.directory / path
            if not sources[path].is_file():
                raise InvalidInputError(f"file not found: {sources[path]}, named by {DESCRIPTOR}; restore it")
    return sources


def _descriptor(package: Package, table: bytes) -> bytes | None:
    """The descriptor corrected for the new table, None if nothing has to change."""
    content = (package.directory / DESCRIPTOR).read_bytes()
    descriptor: dict[str, Json] = json.loads(content)
    resource = next(r for r in list_resources(descriptor) if r.get("name") == "observations")
    _declare_column(resource)
    if "bytes" in resource:
        resource["bytes"] = len(table)
    if isinstance(resource.get("hash"), str):
        resource["hash"] = _hash(str(resource["hash"]), table)
    if descriptor == json.loads(content):
        return None
    return (json.dumps(descriptor, indent=2, ensure_ascii=False) + "\n").encode()


def _declare_column(resource: dict[str, Json]) -> None:
    schema = resource.get("schema")
    fields = schema.get("fields") if isinstance(schema, dict) else None
    if isinstance(fields, list) and all(
        isinstance(field, dict) and field.get("name") != INDIVIDUAL_COLUMN for field in fields
    ):
        fields.append({"name": INDIVIDUAL_COLUMN, "type": "string"})


def _hash(old: str, table: bytes) -> str:
    """The hash of a table in the notation of the old one: `algorithm:hex`, MD5 if none is named."""
    algorithm, colon, _ = old.rpartition(":")
    if (algorithm or "md5") not in hashlib.algorithms_guaranteed:
        raise InvalidInputError(f"{DESCRIPTOR} has a hash {old!r} of an unknown algorithm; remove it")
    digest = hashlib.new(algorithm or "md5", table, usedforsecurity=False)
    return f"{algorithm}{colon}{digest.hexdigest()}"
