"""Long random sessions, without a store: what must hold after every event."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from services.sampler.individuals import changes
from services.sampler.individuals.listing import find_item
from services.sampler.individuals.requests import Wish
from services.sampler.individuals.watching import changes_since
from services.sampler.session.state import SessionState
from spotted import messages
from spotted.errors import SpottedError
from spotted.individuals.decisions import holds
from spotted.v1 import individuals_pb2 as ind
from spotted.v1 import sampler_pb2 as pb
from spotted.v1 import survey_pb2
from spotted.v1.session_facts_pb2 import DetectionVersion, SurveyRead

DETECTIONS = 14
KEY = ("s", "m")
Copy = dict[str, ind.Individual]


class Session:
    """A session in memory, and its journal."""

    def __init__(self, trust: pb.Trust.ValueType, seed: int) -> None:
        self.state = SessionState()
        self.journal: list[bytes] = []
        self.rng = np.random.default_rng(seed)
        self.ids = [f"d{n:02}" for n in range(DETECTIONS)]
        # the detections that the survey has, each with its version
        self.versions = dict.fromkeys(self.ids[:10], 0)
        self.append(created=pb.Session(session_id="m", survey_id="s", trust=trust))
        pair = survey_pb2.Pair(first_detection_id="d00", second_detection_id="d01")
        self.append(
            planned=pb.PlannedRound(
                round=1, added_detection_ids=self.ids[:10], image_pairs=[pair], kind="greedy"
            )
        )

    def append(self, **event: object) -> None:
        """Store an event and fold it."""
        made = pb.SessionEvent(create_time=messages.timestamp(float(len(self.journal))), **event)  # type: ignore[arg-type] # one of the events
        self.journal.append(made.SerializeToString())
        self.state.apply(self.journal[-1])

    def step(self) -> None:
        """One event of any kind, if its request is not refused."""
        kinds = ["merge", "split", "move", "name", "undo", "label", "retract", "more", "survey", "survey"]
        kind = self.rng.choice(kinds)
        if kind == "label":
            self._label()
        elif kind == "retract":
            self._retract()
        elif kind == "survey":
            self._survey()
        elif kind == "more" and len(self.state.roster.item_of) < DETECTIONS:
            number = 2 if self.state.queue.round is None else self.state.queue.round.number + 1
            added = [self.ids[len(self.state.roster.item_of)]]
            self.versions[added[0]] = 0
            self.append(planned=pb.PlannedRound(round=number, added_detection_ids=added, kind="greedy"))
        else:
            self._change(str(kind))

    def _survey(self) -> None:
        """A detection is deleted, comes back, or gets another image."""
        one = str(self.rng.choice(list(self.state.roster.item_of)))
        if one in self.versions and self.rng.random() < 0.6 and len(self.versions) > 3:
            del self.versions[one]
        else:
            self.versions[one] = int(self.rng.integers(3))
        found = self.state.roster.differences(self.versions, [one])
        versions = [DetectionVersion(detection_id=one, version=self.versions.get(one, 0))]
        self.append(
            read=SurveyRead(
                added_detection_ids=found.added,
                gone_detection_ids=found.gone,
                returned_detection_ids=found.returned,
                versions=versions,
            )
        )

    def _change(self, kind: str) -> None:
        known = self.state.named_individuals.messages()
        one, other = (known[int(n)] for n in self.rng.integers(len(known), size=2))
        # an alias stands for its individual
        about = str(self.rng.choice([one.individual_id, *(alias.individual_id for alias in one.aliases)]))
        some = list(one.detection_ids)[: int(self.rng.integers(1, len(one.detection_ids) + 1))]
        name = ind.Individual(display_name=f"name {len(self.journal)}")
        standing = [
            p for p in self.state.identity.ledger.changes if self.state.identity.ledger.standing_change(p)
        ]
        wishes: dict[str, tuple[Callable[[SessionState, Wish], ind.IndividualsChanged], Wish]] = {
            "merge": (changes._merged, Wish(KEY, "c", "", individual_id=about, others=[other.individual_id])),
            "split": (changes._split, Wish(KEY, "c", "", individual_id=about, detection_ids=some)),
            "move": (
                changes._moved,
                Wish(KEY, "c", "", individual_id=other.individual_id, detection_ids=some),
            ),
            "name": (
                changes._updated,
                Wish(KEY, "c", "", individual_id=about, paths=["display_name"], values=name),
            ),
            "undo": (changes._undone, Wish(KEY, "c", "", position=int(self.rng.choice(standing or [99])))),
        }
        decide, wish = wishes.get(kind, wishes["name"])
        try:
            event = decide(self.state, wish)
        except SpottedError:
            return
        event.annotator_id = "c"
        self.append(changed=event)

    def _label(self) -> None:
        first, second = self.rng.choice(list(self.state.roster.item_of), 2, replace=False)
        label = pb.Label(
            label_id=f"{len(self.journal) + 1}-1",
            first_detection_id=str(first),
            second_detection_id=str(second),
            answer=pb.Answer.ValueType(int(self.rng.choice([1, 1, 2, 3, 4]))),
            annotator_id=str(self.rng.choice(["anna", "ben"])),
            create_time=messages.timestamp(float(len(self.journal))),
        )
        self.append(labelled=pb.LabelsGiven(labels=[label]))

    def _retract(self) -> None:
        ledger = self.state.identity.ledger
        own = [i for i in ledger.given if not ledger.is_certain(i)]
        if own:
            taken = [str(self.rng.choice(own))]
            self.append(retracted=pb.LabelsRetracted(label_ids=taken, annotator_id="anna"))


def check(state: SessionState) -> None:
    """Every detection of the survey has one individual, every id its own, and what people decided holds."""
    listed = state.named_individuals.messages()
    assert sorted(i for one in listed for i in one.detection_ids) == sorted(state.roster.living())
    ids = [one.individual_id for one in listed]
    aliases = [alias.individual_id for one in listed for alias in one.aliases]
    assert len({*ids, *aliases}) == len(ids) + len(aliases)
    individuals = state.named_individuals
    for one in listed:
        for named in (one.individual_id, *(alias.individual_id for alias in one.aliases)):
            found = individuals.of(find_item(state, named)).one.founder
            assert individuals.id_of(found) == one.individual_id
    labels = [state.labelled_pair(label) for label in state.labels.values() if label.answer != pb.ANSWER_SKIP]
    # a detection that came back may stand against a decision; then the two are listed
    assert holds(state.constraints, labels) is None or state.conflicts()
    assert len(state.identity.register) == len(listed) == state.constraints.component_count


def follow(state: SessionState, copy: Copy, cursor: str) -> str:
    """Bring a copy up to date; returns the new cursor."""
    for part in changes_since(state, cursor):
        if part.reset:
            copy.clear()
        for ended in part.ended_individual_ids:
            copy.pop(ended, None)
        copy.update({one.individual_id: one for one in part.individuals})
        cursor = part.cursor or cursor
    return cursor


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("trust", [pb.TRUST_SINGLE, pb.TRUST_VERIFIED, pb.TRUST_UNSPECIFIED])
def test_after_any_events_individuals_are_whole_and_copies_equal(
    trust: pb.Trust.ValueType, seed: int
) -> None:
    session = Session(trust, seed)
    always: Copy = {}
    seldom: Copy = {}
    cursor = absent = ""
    for number in range(150):
        session.step()
        check(session.state)
        cursor = follow(session.state, always, cursor)
        if number % 13 == 0:
            absent = follow(session.state, seldom, absent)
    follow(session.state, seldom, absent)
    listed = {one.individual_id: one for one in session.state.named_individuals.messages()}
    assert always == seldom == listed
    replayed = SessionState()
    for entry in session.journal:
        replayed.apply(entry)
    assert {one.individual_id: one for one in replayed.named_individuals.messages()} == listed
    assert replayed.conflicts() == session.state.conflicts()
    kinds = {e.changed.WhichOneof("change") for e in map(pb.SessionEvent.FromString, session.journal)}
    assert kinds >= {"merged", "split", "moved", "updated", "undone"}
    assert session.state.roster.living().keys() == session.versions.keys()
