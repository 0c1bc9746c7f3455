"""Backups of many surveys in a directory or bucket: a file per survey and instant; old ones are removed."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from google.protobuf.timestamp_pb2 import Timestamp

from services.common.rpc import checks
from services.common.store import keys
from services.common.store.store import Store
from services.common.survey.listing import Listing
from services.upkeep.backup.object_store import Bucket
from services.upkeep.backup.write import BackedUp, Backups
from spotted.errors import SpottedError, StoreUnavailableError

ENDING = ".spotted"
# joins an organisation and its survey in a file name; ids cannot contain it
JOINED = "+"
INSTANT = "%Y%m%dT%H%M%SZ"
_WRITTEN_AT = r"\d{8}T\d{6}Z"

# survey id, events read so far, and events in all
Progress = Callable[[str, int, int], None]


@dataclass(slots=True)
class BackupRun:
    """The result of backing up several surveys."""

    backed_up: list[BackedUp] = field(default_factory=list)
    failed: list[tuple[str, SpottedError]] = field(default_factory=list)
    """Survey id and error of each survey that was not backed up."""
    removed: list[str] = field(default_factory=list)
    """Paths or URLs of removed older files of surveys that were backed up."""


def survey_ids(store: Store) -> list[str]:
    """The ids of all surveys of a store, of every organisation, sorted."""
    return Listing(store).existing()


def file_name(survey_id: str, at: Timestamp) -> str:
    """The file name of a survey's backup at an instant, UTC."""
    return f"{_stem(survey_id)}.{at.ToDatetime().strftime(INSTANT)}{ENDING}"


def files(directory: Path, survey_id: str) -> list[Path]:
    """The backups of a survey in a directory, oldest first."""
    names = [path.name for path in directory.glob(f"*{ENDING}")]
    return [directory / name for name in names_of(survey_id, names)]


def names_of(survey_id: str, names: Iterable[str]) -> list[str]:
    """Those of the file names that are backups of a survey, oldest first."""
    named = re.compile(rf"{re.escape(_stem(survey_id))}\.{_WRITTEN_AT}{re.escape(ENDING)}")
    return sorted(filter(named.fullmatch, names))


def back_up_all(
    store: Store,
    survey_ids: Sequence[str],
    directory: Path,
    *,
    now: Callable[[], Timestamp],
    keep: int = 0,
    bucket: Bucket | None = None,
    up_to_damage: bool = False,
    on_progress: Progress = lambda *_: None,
) -> BackupRun:
    """Back up surveys, and catalogues by `keys.catalogue_id`, one after another.

    keep: number of files to keep per survey, the newest; 0: all. bucket: takes the files, which then are in
    the directory only until they are uploaded. up_to_damage: see `Backups.back_up`. If a survey fails, its
    files are kept and the others are backed up, unless the store is unavailable.
    """
    backups, run = Backups(store, now=now), BackupRun()
    if bucket is not None:
        # one that refuses is refused before the first survey is read
        bucket.names()
    directory.mkdir(parents=True, exist_ok=True)
    for survey_id in survey_ids:
        try:
            # an id that no service accepts could lead out of the directory
            catalogue = keys.catalogue_owner(survey_id)
            if catalogue is None:
                checks.survey_id(survey_id, "the survey's id")
            elif catalogue:
                checks.slug(catalogue, "the organisation of a catalogue")
            path = directory / file_name(survey_id, now())
            report = _for_survey(survey_id, on_progress)
            done = backups.back_up(survey_id, path, up_to_damage=up_to_damage, on_progress=report)
            # a file up to the damage replaces none that is whole
            kept = 0 if done.left_out else keep
            if bucket is None:
                run.backed_up.append(done)
                run.removed += _remove_old(directory, survey_id, kept)
            else:
                run.backed_up.append(replace(done, url=_move(path, bucket)))
                run.removed += _remove_old_objects(bucket, survey_id, kept)
        except SpottedError as error:
            run.failed.append((survey_id, error))
            if isinstance(error, StoreUnavailableError):
                break
    return run


def _for_survey(survey_id: str, on_progress: Progress) -> Callable[[int, int], None]:
    return lambda done, total: on_progress(survey_id, done, total)


def _move(path: Path, bucket: Bucket) -> str:
    """Upload a file, which does not stay even if that fails; returns its URL."""
    try:
        return bucket.upload(path)
    finally:
        path.unlink()


def _remove_old_objects(bucket: Bucket, survey_id: str, keep: int) -> list[str]:
    """Remove all but the newest files of a survey from a bucket; returns their URLs."""
    older = names_of(survey_id, bucket.names())[:-keep] if keep else []
    for name in older:
        bucket.remove(name)
    return [f"{bucket.url}/{name}" for name in older]


def _remove_old(directory: Path, survey_id: str, keep: int) -> list[str]:
    """Remove all but the newest files of a survey; returns the removed ones."""
    older = files(directory, survey_id)[:-keep] if keep else []
    for path in older:
        path.unlink()
    return [str(path) for path in older]


def _stem(survey_id: str) -> str:
    return survey_id.replace(keys.OF, JOINED)
