"""Changes of individuals in an imported journal, checked against the events before them."""

from __future__ import annotations

from services.common.rpc import checks
from services.sampler.labels.ledger import Ledger
from services.sampler.session.identity import ATTRIBUTES, named_individuals
from services.sampler.session.state import SessionState
from spotted.errors import InvalidInputError
from spotted.v1 import sampler_pb2 as pb
from spotted.v1.individuals_pb2 import Individual, IndividualsChanged, IndividualStatus, Sex

# longest text of a change; requests are checked more closely
MOST_LETTERS = 4096


def check_change(state: SessionState, event: pb.SessionEvent) -> None:
    """Raise InvalidInputError unless a complete change of individuals can follow the events before it."""
    changed = event.changed
    _check_individuals(state, changed)
    if changed.HasField("updated"):
        _check_update(changed)
    _check_references(state.identity.ledger, changed)


def _check_individuals(state: SessionState, changed: IndividualsChanged) -> None:
    for wanted in named_individuals(changed):
        try:
            known = state.identity.register.find(state.roster.founder(wanted)) is not None
        except KeyError:
            known = False
        if not known:
            raise InvalidInputError(f"no earlier event founded individual {wanted!r}")


def _check_references(ledger: Ledger, changed: IndividualsChanged) -> None:
    for label_id in changed.superseded_label_ids:
        if label_id not in ledger.given:
            raise InvalidInputError(
                f"it supersedes label {label_id!r}, which is unknown or retracted already"
            )
    if changed.HasField("undone") and ledger.standing_change(changed.undone.position) is None:
        raise InvalidInputError(
            f"it undoes change {changed.undone.position}, which is unknown or undone already"
        )


def _check_update(changed: IndividualsChanged) -> None:
    paths, values = changed.updated.paths, changed.updated.individual
    checks.unique(paths, "paths")
    unknown = [path for path in paths if path not in ATTRIBUTES]
    if unknown or not paths:
        raise InvalidInputError(f"it sets {unknown or 'nothing'}; expected some of {', '.join(ATTRIBUTES)}")
    if values.sex not in Sex.values() or values.status not in IndividualStatus.values():
        raise InvalidInputError("it sets a sex or a status that this version does not know")
    _check_texts(values)


def _check_texts(values: Individual) -> None:
    for text in (values.display_name, values.notes, *values.tags):
        checks.words(text, "a text of the individual", most=MOST_LETTERS)
    if values.HasField("dead_since"):
        checks.instant(values.dead_since, "dead_since")
