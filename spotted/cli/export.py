"""`spotted export`: write the names of the individuals into a copy of the imported files."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import click

from spotted.cli.connection import connect
from spotted.cli.sessions.unfinished import find_unfinished
from spotted.client.values import Individual
from spotted.console import data_option, err, json_option, option_word, session_option, show, with_unit
from spotted.errors import PreconditionError
from spotted.formats.captures import write_capture_history
from spotted.formats.exports import TARGETS, Material
from spotted.formats.file_set import write_fileset
from spotted.formats.sources import Source, recall
from spotted.individuals.attributes import Sex
from spotted.individuals.naming import CellChange, NamedIndividual, Naming, name_detections

CAPTURES, CHANGED = "captures", "changed_names.csv"
SHOWN = 10


@dataclass(frozen=True, slots=True)
class _Found:
    """The individuals of a session."""

    individuals: tuple[NamedIndividual, ...]
    sexes: Mapping[str, str]
    """`female` or `male` by individual id, if known."""
    time_zone: str
    """That of the survey; "" if unknown."""
    doubt: str
    """Why the session is not finished; "" if it is."""


@click.command()
@click.argument("survey")
@session_option
@click.option(
    "--output",
    "-o",
    required=True,
    type=click.Path(file_okay=False, path_type=Path),
    help="Directory to write to.",
)
@click.option("--overwrite", is_flag=True, help="Write even if the directory is not empty.")
@click.option("--occasion-days", default=1, show_default=True, help="Length of a capture occasion in days.")
@click.option(
    "--timezone",
    default="",
    help="IANA time zone of days and of times that are written; default: the survey's, or UTC.",
)
@click.option(
    "--day-starts-at",
    default=0.0,
    show_default=True,
    help="Hour at which a day starts, e.g. 12 for nocturnal animals.",
)
@click.option(
    "--for",
    "targets",
    multiple=True,
    type=click.Choice(list(TARGETS)),
    help="Program to write files for, into a folder of that name; can be repeated.",
)
@click.option("--unfinished", is_flag=True, help="Write although the session may count an animal twice.")
@data_option
@json_option
def export(
    *,
    survey: str,
    session_id: str,
    directory: Path,
    as_json: bool,
    output: Path,
    overwrite: bool,
    occasion_days: int,
    timezone: str,
    day_starts_at: float,
    targets: tuple[str, ...],
    unfinished: bool,
) -> None:
    """Write the names of the individuals into a copy of the imported files, with the capture history.

    A name that stands in the files is never overwritten: further detections of that animal get it too. An
    animal with a name in the session gets that, one without any name its id; a detection that no answer
    linked to another counts as its own individual. captures/changed_names.csv lists every cell that changes.
    An individual that people gave several names is reported and left as it is.

    A session that is not finished is refused with exit code 6, since it counts animals several times;
    --unfinished writes it all the same.
    """
    source = recall(directory, survey)
    with err.status("writing files"):
        found = _read_session(directory, survey, session_id)
        if found.doubt and not unfinished:
            raise PreconditionError(
                f"{found.doubt}. Answer more with `spotted annotate {survey}`, or write it as it is with "
                "--unfinished"
            )
        material, naming = _name(source, survey, found, timezone)
        material = replace(material, occasion_days=occasion_days, day_starts_at_h=day_starts_at)
        history = material.history()
        made = {target: TARGETS[target](material) for target in targets}
        notes = [
            *_doubts(found, material, timezone),
            *source.write(output, naming.names, overwrite=overwrite),
        ]
        write_capture_history(history, output / CAPTURES, overwrite=overwrite)
        write_changed_names(naming.changes, output / CAPTURES)
        for target, files in made.items():
            files.write(output / target, overwrite=overwrite)
            notes += files.notes
    for note in (*notes, *history.notes):
        err.print(f"note: {note}", markup=False, soft_wrap=True)
    count = len(found.individuals)
    show(
        _document(naming, count, output) | {"unfinished": found.doubt, "written_for": list(targets)},
        as_json=as_json,
        text=lambda: _print(naming, count, output),
    )


def _read_session(directory: Path, survey: str, session_id: str) -> _Found:
    """The individuals of a session. Raises PreconditionError if it has none."""
    with connect(directory) as spotted:
        handle = spotted.survey(survey)
        session = handle.session(session_id)
        listed = list(session.individuals())
        if not listed:
            raise PreconditionError(
                f"session {session_id!r} of {survey!r} has no individuals yet; run "
                f"`spotted annotate {survey}` first"
            )
        why = find_unfinished(session)
        return _Found(
            tuple(map(_named, listed)),
            {one.individual_id: option_word(one.sex) for one in listed if one.sex is not Sex.UNKNOWN},
            handle.info().time_zone,
            f"session {session_id!r} of {survey!r} is not finished: {why}" if why else "",
        )


def _named(one: Individual) -> NamedIndividual:
    """An individual with its own name, or that of the animal of the catalogue that it is."""
    return NamedIndividual(one.individual_id, one.display_name or one.catalogue_name, one.detection_ids)


def _name(source: Source, survey: str, found: _Found, timezone: str) -> tuple[Material, Naming]:
    """The survey with the names of its individuals."""
    imported = source.read(survey)
    typed = {one.detection_id: one.individual_id for one in imported.detections}
    naming = name_detections(found.individuals, typed)
    names = {**typed, **naming.names}
    sexes = {
        names[detection_id]: found.sexes[one.individual_id]
        for one in found.individuals
        if one.individual_id in found.sexes
        for detection_id in one.detection_ids
        if names.get(detection_id)
    }
    zone = timezone or found.time_zone or source.timezone or "UTC"
    return Material(imported, names, source.folder(), zone, sexes=sexes), naming


def _doubts(found: _Found, material: Material, timezone: str) -> list[str]:
    doubts = [doubt for doubt in (found.doubt, material.side_note()) if doubt]
    if material.timezone == "UTC" and timezone != "UTC":
        doubts.append("days and times are those of UTC; --timezone chooses the survey's, e.g. Africa/Harare")
    return doubts


def write_changed_names(changes: Sequence[CellChange], directory: Path) -> None:
    """Write `changed_names.csv`: the detection of each cell that changes, its old and its new name."""
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(("detection", "old", "new"))
    writer.writerows((change.detection_id, change.old, change.new) for change in changes)
    write_fileset(directory, {CHANGED: text.getvalue().encode()}, sources={}, overwrite=True)


def _document(naming: Naming, count: int, output: Path) -> dict[str, object]:
    return {
        "output": str(output),
        "detections": len(naming.names),
        "individuals": count,
        "changed": [asdict(change) for change in naming.changes],
        "conflicts": [asdict(conflict) for conflict in naming.conflicts],
        "shared_names": {name: list(ids) for name, ids in naming.shared.items()},
    }


def _print(naming: Naming, count: int, output: Path) -> None:
    click.echo(
        f"{with_unit(len(naming.names), 'detection')} of {with_unit(count, 'individual')} written to "
        f"{output}; capture history in {output / CAPTURES}"
    )
    click.echo(f"{with_unit(len(naming.changes), 'name')} changed, listed in {output / CAPTURES / CHANGED}")
    for conflict in naming.conflicts[:SHOWN]:
        click.echo(
            f"left as it is: individual {conflict.individual_id} has the names {', '.join(conflict.names)}; "
            "split it, or correct the names"
        )
    if len(naming.conflicts) > SHOWN:
        click.echo(f"and {len(naming.conflicts) - SHOWN} more with several names; --json lists them all")
    for name, ids in list(naming.shared.items())[:SHOWN]:
        click.echo(f"{name} stands in {len(ids)} individuals that nothing has joined yet: {', '.join(ids)}")
    if len(naming.shared) > SHOWN:
        click.echo(f"and {len(naming.shared) - SHOWN} more such names; --json lists them all")
