"""Backups of many surveys in one directory: one file per survey and instant; old files are removed."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from google.protobuf.timestamp_pb2 import Timestamp

from services.common.rpc import checks
from services.common.store import keys
from services.common.store.store import Store
from services.upkeep.backup.write import BackedUp, Backups
from spotted.errors import PreconditionError, SpottedError, StoreUnavailableError

ENDING = ".spotted"
# joins an organisation and its survey in a file name; ids cannot contain it
JOINED = "+"
INSTANT = "%Y%m%dT%H%M%SZ"
_WRITTEN_AT = re.compile(r"\d{8}T\d{6}Z")

# survey id, events read so far, and events in all
Progress = Callable[[str, int, int], None]


@dataclass(slots=True)
class BackupRun:
    """The result of backing up several surveys."""

    backed_up: list[BackedUp] = field(default_factory=list)
    failed: list[tuple[str, SpottedError]] = field(default_factory=list)
    """Survey id and error of each survey that was not backed up."""
    removed: list[Path] = field(default_factory=list)
    """Removed older files of surveys that were backed up."""


def survey_ids(store: Store) -> list[str]:
    """The ids of all surveys of a store, of every organisation, sorted."""
    organisations = [name for name in store.names(keys.ORGANISATIONS) if name.endswith("}:surveys")]
    listed = [survey_id for key in (keys.surveys(""), *organisations) for survey_id in store.members(key)]
    # an id is listed shortly before its survey exists and after it is deleted
    return sorted(survey_id for survey_id in listed if _may_exist(store, survey_id))


def file_name(survey_id: str, at: Timestamp) -> str:
    """The file name of a survey's backup at an instant, UTC."""
    return f"{_stem(survey_id)}.{at.ToDatetime().strftime(INSTANT)}{ENDING}"


def files(directory: Path, survey_id: str) -> list[Path]:
    """The backups of a survey in a directory, oldest first."""
    stem = _stem(survey_id) + "."
    return sorted(
        path
        for path in directory.glob(f"*{ENDING}")
        if path.name.startswith(stem) and _WRITTEN_AT.fullmatch(path.name[len(stem) : -len(ENDING)])
    )


def back_up_all(
    store: Store,
    survey_ids: Sequence[str],
    directory: Path,
    *,
    now: Callable[[], Timestamp],
    keep: int = 0,
    on_progress: Progress = lambda *_: None,
) -> BackupRun:
    """Back up surveys one after another.

    keep: number of files to keep per survey, the newest; 0: all. If a survey fails, its files are kept and
    the others are backed up, unless the store is unavailable.
    """
    backups, run = Backups(store, now=now), BackupRun()
    directory.mkdir(parents=True, exist_ok=True)
    for survey_id in survey_ids:
        try:
            # an id that no service accepts could lead out of the directory
            checks.survey_id(survey_id, "the survey's id")
            path = directory / file_name(survey_id, now())
            report = _for_survey(survey_id, on_progress)
            run.backed_up.append(backups.back_up(survey_id, path, on_progress=report))
            run.removed += _remove_old(directory, survey_id, keep)
        except SpottedError as error:
            run.failed.append((survey_id, error))
            if isinstance(error, StoreUnavailableError):
                break
    return run


def _may_exist(store: Store, survey_id: str) -> bool:
    try:
        return store.length(keys.survey_journal(survey_id)) > 0
    except PreconditionError:
        # its backup fails with the cause
        return True


def _for_survey(survey_id: str, on_progress: Progress) -> Callable[[int, int], None]:
    return lambda done, total: on_progress(survey_id, done, total)


def _remove_old(directory: Path, survey_id: str, keep: int) -> list[Path]:
    """Remove all but the newest files of a survey; returns the removed ones."""
    older = files(directory, survey_id)[:-keep] if keep else []
    for path in older:
        path.unlink()
    return older


def _stem(survey_id: str) -> str:
    return survey_id.replace(keys.OF, JOINED)
