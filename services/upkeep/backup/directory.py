"""Backups of many surveys in one directory: a file a survey and instant, the older ones removed."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from google.protobuf.timestamp_pb2 import Timestamp

from services.common.store import keys
from services.common.store.store import Store
from services.upkeep.backup.write import BackedUp, Backups
from spotted.errors import SpottedError, StoreUnavailableError

ENDING = ".spotted"
# an organisation and its survey in a file name; no id has it
JOINED = "+"
INSTANT = "%Y%m%dT%H%M%SZ"
_WRITTEN_AT = re.compile(r"\d{8}T\d{6}Z")

# survey id, events read so far, and of how many
Progress = Callable[[str, int, int], None]


@dataclass(slots=True)
class Outcome:
    """What became of some backups. removed: older files of surveys that were backed up."""

    backed_up: list[BackedUp] = field(default_factory=list)
    failed: list[tuple[str, SpottedError]] = field(default_factory=list)
    removed: list[Path] = field(default_factory=list)


def survey_ids(store: Store) -> list[str]:
    """The ids of all surveys of a store, of every organisation, sorted."""
    organisations = [name for name in store.names(keys.ORGANISATIONS) if name.endswith("}:surveys")]
    listed = [survey_id for key in (keys.surveys(""), *organisations) for survey_id in store.members(key)]
    # an id is listed a moment before and after its survey
    return sorted(survey_id for survey_id in listed if store.length(keys.survey_journal(survey_id)))


def file_name(survey_id: str, at: Timestamp) -> str:
    """The name of a survey's backup of an instant, UTC."""
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
    wanted: Sequence[str],
    directory: Path,
    *,
    now: Callable[[], Timestamp],
    keep: int = 0,
    progress: Progress = lambda *_: None,
) -> Outcome:
    """Back up surveys one after another, and tell what became of them.

    keep: how many files of a survey stay, the newest; 0: all. A survey that fails keeps its files, and the
    others are backed up all the same unless the store is gone.
    """
    backups, outcome = Backups(store, now=now), Outcome()
    directory.mkdir(parents=True, exist_ok=True)
    for survey_id in wanted:
        path = directory / file_name(survey_id, now())
        try:
            told = _of_survey(survey_id, progress)
            outcome.backed_up.append(backups.back_up(survey_id, path, progress=told))
            outcome.removed += _removed(directory, survey_id, keep)
        except SpottedError as error:
            outcome.failed.append((survey_id, error))
            if isinstance(error, StoreUnavailableError):
                break
    return outcome


def _of_survey(survey_id: str, progress: Progress) -> Callable[[int, int], None]:
    return lambda done, total: progress(survey_id, done, total)


def _removed(directory: Path, survey_id: str, keep: int) -> list[Path]:
    """Remove all but the newest files of a survey; those that were removed."""
    older = files(directory, survey_id)[:-keep] if keep else []
    for path in older:
        path.unlink()
    return older


def _stem(survey_id: str) -> str:
    return survey_id.replace(keys.OF, JOINED)
