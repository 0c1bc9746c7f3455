"""The group of commands about the catalogue, how they find an animal, and how they carry out a change."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

import click

from spotted.catalogue.entries import is_entry_id
from spotted.catalogue.facts import Member
from spotted.cli.catalogue.text import print_result, result_document
from spotted.cli.connection import connect
from spotted.client.catalogue import CatalogueHandle
from spotted.client.values import CatalogueEntry, CatalogueResult
from spotted.console import show
from spotted.errors import InvalidInputError, NotFoundError

# joins a survey and a detection
OF = "/"


@click.group()
def catalogue() -> None:
    """List, add to, match with and correct the animals of all surveys.

    ANIMAL is an id such as cat-0f3a5b7c9d1e2f40, or a name. A photograph is SURVEY/DETECTION. Every change
    can be undone.
    """


def find(handle: CatalogueHandle, wanted: str) -> CatalogueEntry:
    """An animal by its id, an alias or its name. Raises NotFoundError, InvalidInputError."""
    if is_entry_id(wanted):
        return handle.entry(wanted)
    found = list(handle.entries(display_name=wanted))
    if not found:
        raise NotFoundError(f"no animal is named {wanted!r}; `spotted catalogue list` shows all")
    if len(found) > 1:
        ids = ", ".join(one.entry_id for one in found)
        raise InvalidInputError(f"several animals are named {wanted!r}; give one of their ids: {ids}")
    return found[0]


def read_members(texts: Iterable[str]) -> list[Member]:
    """Photographs, each SURVEY/DETECTION.

    >>> read_members(["kenya-2025/d07"])
    [Member(survey_id='kenya-2025', detection_id='d07')]
    """
    members = []
    for text in texts:
        survey_id, of, detection_id = text.partition(OF)
        if not (of and survey_id and detection_id):
            raise click.UsageError(f"{text!r} is no photograph; write SURVEY/DETECTION")
        members.append(Member(survey_id, detection_id))
    return members


def carry_out(
    directory: Path,
    change: Callable[[CatalogueHandle], CatalogueResult],
    *,
    as_json: bool,
    undone: bool = False,
) -> None:
    """Carry out a change of the catalogue and show its result. undone: it undoes another one."""
    with connect(directory) as spotted:
        done = change(spotted.catalogue())
    show(result_document(done), as_json=as_json, text=lambda: print_result(done, undone=undone))
