"""The photographs of a training: of tables, of imported surveys, and of a session or what it exported."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from spotted.cli.connection import connect
from spotted.cli.sessions.learned_names import LearnedNames, read_learned
from spotted.cli.sessions.session_files import is_session_file, read_session_file
from spotted.console import err
from spotted.errors import InvalidInputError, PreconditionError
from spotted.formats.sources import recall

if TYPE_CHECKING:
    from spotted.training import Photograph, SessionNames

TABLES = frozenset({".json", ".csv", ".gz"})


def read_sources(
    sources: Sequence[str], directory: Path, images: Path | None, session_id: str
) -> tuple[list[Photograph], SessionNames | None]:
    """The photographs of all sources, and the session that names those of the survey, if one is given.

    images: the folder that the paths of tables are relative to. session_id: "" to learn from known names, or
        a file that a session was exported to.
    Raises InvalidInputError if a session is given and the sources are not one survey and tables,
    PreconditionError if no photograph of its individuals is on this machine, and the errors of
    `read_learned` and `read_session_file`.
    """
    from spotted.training import SessionNames, read_annotated  # noqa: PLC0415 - imports torch

    tables = [path for path in map(Path, sources) if path.suffix in TABLES and path.is_file()]
    surveys = [source for source in sources if Path(source) not in tables]
    photographs = [one for table in tables for one in read_annotated(table, images=images)]
    if not session_id:
        return [*photographs, *(one for survey in surveys for one in _of_survey(survey, directory))], None
    if len(surveys) > 1 or not (surveys or is_session_file(session_id)):
        raise InvalidInputError(
            f"--from-session {session_id} names the animals of one survey, but {len(surveys)} of the sources "
            "are surveys; give the survey of the session, and tables beside it if you like",
            field="sources",
        )
    learned = _learned(surveys, session_id, directory)
    for note in learned.notes():
        err.print(f"note: {note}", markup=False, soft_wrap=True)
    if surveys:
        photographs += name_photographs(_of_survey(surveys[0], directory), learned)
    else:
        photographs = name_photographs(photographs, learned)
    session = SessionNames(
        learned.survey_id, learned.session_id, learned.answers, learned.answers_sha256, learned.left_out
    )
    return photographs, session


def _learned(surveys: Sequence[str], session_id: str, directory: Path) -> LearnedNames:
    """The names of a session, or of what it was exported to."""
    if is_session_file(session_id):
        source = recall(directory, surveys[0]) if surveys else None
        return read_session_file(Path(session_id), "".join(surveys), source)
    with connect(directory) as spotted:
        return read_learned(spotted.survey(surveys[0]), session_id)


def name_photographs(photographs: Sequence[Photograph], learned: LearnedNames) -> list[Photograph]:
    """The photographs of the individuals of a session, named by it.

    Raises PreconditionError if none of them is on this machine.
    """
    named = [
        replace(one, name=learned.names[one.photograph_id])
        for one in photographs
        if one.photograph_id in learned.names
    ]
    if not any(one.path.is_file() for one in named):
        such = f", such as {named[0].path}" if named else ""
        raise PreconditionError(
            f"no photograph of the individuals of session {learned.session_id!r} is on this machine{such}; "
            f"mount its folder, or import {learned.survey_id!r} again from where the photographs are; the "
            "ids of a table have to be those of the detections"
        )
    return named


def _of_survey(survey: str, directory: Path) -> list[Photograph]:
    from spotted.training import photographs_of  # noqa: PLC0415 - imports torch

    return photographs_of(recall(directory, survey).read(survey))
