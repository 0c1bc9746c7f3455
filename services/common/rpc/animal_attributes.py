"""Checks of the attributes of animals: individuals of a session, and entries of the catalogue."""

from __future__ import annotations

from collections.abc import Collection

from services.common.rpc import checks
from spotted.catalogue.entries import is_entry_id
from spotted.errors import InvalidInputError
from spotted.individuals.naming import read_individual_id
from spotted.v1 import catalogue_pb2
from spotted.v1 import individuals_pb2 as pb

LONGEST_NAME, LONGEST_NOTES, LONGEST_TAG, MOST_TAGS = 256, 4096, 64, 50


def check_attributes(
    sent: pb.Individual | catalogue_pb2.CatalogueEntry, paths: Collection[str], field: str
) -> None:
    """Raise InvalidInputError unless the attributes at these paths are valid. field: the name of `sent`."""
    _check_name(sent.display_name, f"{field}.display_name")
    for enum, value, part in (
        (pb.Sex, sent.sex, "sex"),
        (pb.IndividualStatus, sent.status, "status"),
    ):
        if value not in enum.values():
            raise InvalidInputError(
                f"{field}.{part} is {value}; use a value of the contract", field=f"{field}.{part}"
            )
    if sent.HasField("dead_since"):
        checks.instant(sent.dead_since, f"{field}.dead_since")
        if "status" in paths and sent.status != pb.INDIVIDUAL_STATUS_DEAD:
            raise InvalidInputError(
                f"{field}.dead_since is set for an animal that is not dead; set the status to dead or "
                "leave the time out",
                field=f"{field}.dead_since",
            )
    checks.words(sent.notes, f"{field}.notes", most=LONGEST_NOTES)
    checks.between(len(sent.tags), 0, MOST_TAGS, f"{field}.tags")
    checks.unique(sent.tags, f"{field}.tags")
    for number, tag in enumerate(sent.tags):
        checks.words(checks.identifier(tag, f"{field}.tags[{number}]"), f"{field}.tags", most=LONGEST_TAG)


def _check_name(name: str, field: str) -> None:
    if name != name.strip() or len(name) > LONGEST_NAME or (name and not name.isprintable()):
        raise InvalidInputError(
            f"{field} is {name[:40]!r}; use at most {LONGEST_NAME} printable characters, "
            "without spaces around them",
            field=field,
        )
    if read_individual_id(name) is not None or is_entry_id(name):
        raise InvalidInputError(
            f"{field} is {name!r}, which looks like an id; choose another name", field=field
        )
