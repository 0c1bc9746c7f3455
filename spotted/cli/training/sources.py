"""The photographs of a training: of tables, of imported surveys, and of a session's individuals."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from spotted.cli.connection import connect
from spotted.cli.sessions.learned_names import LearnedNames, read_learned
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

    images: the folder that the paths of tables are relative to. session_id: "" to learn from known names.
    Raises InvalidInputError if a session is given and the sources are not one survey and tables,
    PreconditionError if no photograph of its individuals is on this machine, and the errors of
    `read_learned`.
    """
    from spotted.training import SessionNames, read_annotated  # noqa: PLC0415 - imports torch

    tables = [path for path in map(Path, sources) if path.suffix in TABLES and path.is_file()]
    surveys = [source for source in sources if Path(source) not in tables]
    photographs = [one for table in tables for one in read_annotated(table, images=images)]
    if not session_id:
        return [*photographs, *(one for survey in surveys for one in _of_survey(survey, directory))], None
    if len(surveys) != 1:
        raise InvalidInputError(
            f"--from-session {session_id} names the animals of one survey, but {len(surveys)} of the sources "
            "are surveys; give the survey of the session, and tables beside it if you like",
            field="sources",
        )
    with connect(directory) as spotted:
        learned = read_learned(spotted.survey(surveys[0]), session_id)
    for note in learned.notes():
        err.print(f"note: {note}", markup=False, soft_wrap=True)
    named = name_photographs(_of_survey(surveys[0], directory), learned)
    session = SessionNames(
        learned.survey_id, session_id, learned.answers, learned.answers_sha256, learned.left_out
    )
    return [*photographs, *named], session


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
            f"mount its folder, or import {learned.survey_id!r} again from where the photographs are"
        )
    return named


def _of_survey(survey: str, directory: Path) -> list[Photograph]:
    from spotted.training import photographs_of  # noqa: PLC0415 - imports torch

    return photographs_of(recall(directory, survey).read(survey))
