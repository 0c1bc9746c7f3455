"""Hostile backup files: ids that are paths or patterns, journals that no service writes."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from services.common.store import keys
from services.common.store.store import Store
from services.upkeep.backup.file import open_writer
from spotted import messages
from spotted.v1 import sampler_pb2, survey_pb2
from spotted.v1 import store_pb2 as pb
from tools.attack.bystanders import SURVEY
from tools.attack.outcomes import BreachError
from tools.attack.site import Site

IDS = ("../../etc", "a\nb", "*", "", ".", "a/b/c", "{s:other}", "x" * 300, "a b", "\x00")
# more than a command takes to start on a busy machine
PATIENCE_S = 300.0

Journals = Mapping[str, Sequence[bytes]]


def restore_hostile_files(site: Site, count: int) -> str:
    """Restore files that must be refused, none of which may leave anything; then back up everything.

    count: of files to try, from the most hostile on.
    """
    store = site.store()
    before = _names(store)
    files = [*_files(site.directory)][:count]
    for file in files:
        done = _spotted(site, "restore", str(file))
        if done.returncode == 0 or "Traceback" in done.stderr:
            raise BreachError(f"{file.name} was restored with status {done.returncode}: {done.stderr[-500:]}")
    if _names(store) != before:
        raise BreachError("a refused file left keys in the store")
    store.close()
    done = _spotted(site, "backup", "--all", "-o", str(site.directory / "backups"))
    if done.returncode:
        raise BreachError(f"`spotted backup --all` ended with status {done.returncode}: {done.stderr[-500:]}")
    return f"{len(files)} files refused, nothing stored; `backup --all` works"


def _names(store: Store) -> list[str]:
    """The keys of the store, except those of the survey that others work on meanwhile."""
    return sorted(name for name in store.names("spotted:") if f"/{SURVEY}}}" not in name)


def _files(directory: Path) -> list[Path]:
    """Files, each with one thing that no service allows."""
    first = _created_survey().SerializeToString()
    wrong: list[tuple[str, Journals]] = [
        ("survey", {"": [first], "../../etc": [_created("../../etc")]}),
        ("survey", {"": []}),
        ("survey", {"": [pb.SurveyEvent(deleted=pb.DetectionsDeleted()).SerializeToString()]}),
        ("survey", {"": [b"\xff\xff\xff"]}),
        ("survey", {"": [first], "main": [sampler_pb2.SessionEvent().SerializeToString()]}),
        ("survey", {"": [first], "*": [_created("*")]}),
    ]
    named = [*((each, {"": [first]}) for each in IDS[:1]), *wrong, *((i, {"": [first]}) for i in IDS[1:])]
    return [_file(directory / f"hostile-{n}.spotted", i, journals) for n, (i, journals) in enumerate(named)]


def _file(path: Path, survey_id: str, journals: Journals) -> Path:
    listed = [pb.BackupJournal(session_id=i, events=len(entries)) for i, entries in journals.items()]
    header = pb.BackupHeader(survey_id=survey_id, store_version=keys.STORE_VERSION, journals=listed)
    with open_writer(path) as writer:
        writer.write(pb.BackupRecord(header=header))
        for session_id, entries in journals.items():
            writer.write(pb.BackupRecord(page=pb.BackupPage(session_id=session_id, entries=entries)))
    return path


def _created_survey() -> pb.SurveyEvent:
    start, end = messages.timestamp(0.0), messages.timestamp(86_400.0)
    return pb.SurveyEvent(survey=survey_pb2.Survey(survey_id="survey", start_time=start, end_time=end))


def _created(session_id: str) -> bytes:
    session = sampler_pb2.Session(survey_id="survey", session_id=session_id)
    return sampler_pb2.SessionEvent(created=session).SerializeToString()


def _spotted(site: Site, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "services.upkeep", *arguments, "--store", site.store_url]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=PATIENCE_S)
