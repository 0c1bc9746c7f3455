"""The individuals of a session from a file that was exported, as names to learn from.

`spotted session export` writes the whole journal, with answers; `spotted export` a copy of the imported
files, and the review page a table, which hold only names.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

from spotted.cli.sessions.learned_names import LearnedNames, enough_learned, learn, names_digest
from spotted.client.session_events import read_event, read_exported, standing_labels
from spotted.errors import InvalidInputError
from spotted.formats.csv_table import read_table
from spotted.formats.problems import Problems
from spotted.formats.sources import Source

MODULE = "services.sampler.exported"
ROOT = Path(__file__).resolve().parents[3]
JOURNAL, TABLE = ".jsonl", ".csv"
COLUMNS = ("detection_id", "individual_id", "display_name")
# the review page begins texts with an apostrophe that a spreadsheet would take for a formula
ESCAPED = re.compile(r"^'(?=[=+\-@])")


def is_session_file(session: str) -> bool:
    """Whether a text names a file or a folder, and not a session: it has a slash, or the ending of a file."""
    return "/" in session or Path(session).suffix in {JOURNAL, TABLE}


def read_session_file(path: Path, survey_id: str, source: Source | None) -> LearnedNames:
    """The names of the individuals in a file or a folder.

    survey_id, source: the survey whose detections they are and its files; None if only tables are given,
    whose ids are those of the detections.
    Raises InvalidInputError if the file is none that Spotted exports, PreconditionError if it has too few
    individuals.
    """
    if not path.exists():
        raise InvalidInputError(f"no file {path}; give a session, or a file that was exported")
    if path.is_dir():
        return _of_names(path, survey_id, _copied_names(path, source))
    return _of_names(path, survey_id, _table_names(path)) if path.suffix == TABLE else _of_journal(path)


def _of_journal(path: Path) -> LearnedNames:
    """The names of the session whose journal a file holds, which a process of the sampler replays."""
    command = [sys.executable, "-m", MODULE, str(path.resolve())]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)  # noqa: S603 - our own module, no shell
    lines = done.stdout.splitlines()
    if done.returncode:
        said = json.loads(lines[-1]) if lines else {}
        raise InvalidInputError(f"{path}: {said.get('error') or done.stderr.strip()}")
    exported = read_exported(lines)
    with path.open(encoding="utf-8") as journal:
        labels = standing_labels(map(read_event, journal))
    info = exported.info
    return learn(info.survey_id, info.session_id, exported.individuals, labels, exported.progress)


def _of_names(path: Path, survey_id: str, name_of: Mapping[str, str]) -> LearnedNames:
    """The names of those individuals that have two detections."""
    count = Counter(name_of.values())
    names = {one: name for one, name in name_of.items() if name and count[name] > 1}
    digest = names_digest(names, ())
    learned = LearnedNames(survey_id, path.name, names, 0, 0, digest, unfinished="")
    return enough_learned(learned, "answer more, and export again")


def _table_names(path: Path) -> dict[str, str]:
    """The name of each detection in a table of the review page; ids stand in for names that two share."""
    problems = Problems()
    rows = [
        [ESCAPED.sub("", row.text(column), count=1) for column in COLUMNS]
        for row in read_table(path, COLUMNS[:2], problems)
    ]
    problems.raise_any()
    ids_of: dict[str, set[str]] = {}
    for _, individual_id, name in rows:
        ids_of.setdefault(name, set()).add(individual_id)
    return {
        detection_id: name if name and len(ids_of[name]) == 1 else individual_id
        for detection_id, individual_id, name in rows
    }


def _copied_names(path: Path, source: Source | None) -> dict[str, str]:
    """The name of each detection in a copy of the files of a survey."""
    if source is None:
        raise InvalidInputError(
            f"{path} is a folder, which names the detections of a survey; give the survey as the source",
            field="sources",
        )
    imported = source.copied_to(path).read()
    return {one.detection_id: one.individual_id for one in imported.detections}
