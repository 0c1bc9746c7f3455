"""Journals of sessions: writing a long one without annotators, and reading plan times from a journal."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice

import numpy as np
import redis

from services.common.session import round_messages
from services.common.store import keys
from services.common.store.seal import entry_place, sealed
from services.sampler.session.sessions import Sessions
from services.sampler.session.state import SessionState
from spotted import messages
from spotted.sampling.rounds import Pair, PairQuery, Round
from spotted.sampling.strategies.learned_terms import Term
from spotted.v1 import sampler_pb2 as pb

# as `learned` plans: again after a fortieth of the items, with four times as many questions ahead
RENEW_SHARE, LEAST_RENEW, AHEAD = 40, 25, 4
CHANCE_SAME, CHANCE_DIFFERENT = 0.8, 0.15
# two groups are asked about again until it suffices, so often at most
MOST_ANSWERS = 4
# two animals that are asked about live so close, by number
NEIGHBOURS = 5
ANNOTATORS = 8
PAGE = 500


def refreshes_s(events: Sequence[pb.SessionEvent]) -> list[float]:
    """Time for which an old round was served: from the answer that made it stale to the next round."""
    found: list[float] = []
    answers, renew_after, stale_s = 0, 0, None
    for event in events:
        at_s = messages.seconds(event.create_time)
        if event.WhichOneof("event") == "planned":
            found += [] if stale_s is None else [at_s - stale_s]
            answers, renew_after, stale_s = 0, event.planned.renew_after, None
        answers += len(event.labelled.labels)
        if renew_after and stale_s is None and answers >= renew_after:
            stale_s = at_s
    return found


class LongSession:
    """A session as long answers would leave it, folded while it is written.

    A question is a new image of an animal with an earlier one, or images of two animals. Where an answer does
    not suffice, other images of the two groups are asked, as checks would. Its last round is old.
    """

    def __init__(self, sessions: Sessions, session: pb.Session, animal_of: Mapping[str, int]) -> None:
        self._sessions = sessions
        self._session = session
        self._ids = sorted(animal_of)
        self._animals = [animal_of[i] for i in self._ids]
        self._state = SessionState()
        self._rng = np.random.default_rng(session.seed)
        self._given = 0

    def write(self, store: redis.Redis, labels: int) -> int:
        """Create it and append labels to its journal, one event each; returns its number of events."""
        self._sessions.create(self._session, "")
        key = keys.session_journal(self._session.survey_id, self._session.session_id)
        for event in self._sessions.events(self._session.survey_id, self._session.session_id):
            event.ClearField("position")
            self._state.apply(event.SerializeToString())
        entries, written = self._entries(labels), self._state.position
        while page := list(islice(entries, PAGE)):
            at = written
            written += len(page)
            places = (entry_place(key, position) for position in range(at, written))
            store.rpush(key, *map(sealed, places, page))
        store.set(key + keys.LENGTH, written)
        return self._state.position

    def _entries(self, labels: int) -> Iterator[bytes]:
        """The events after the first."""
        questions = self._questions(labels)
        served = max(LEAST_RENEW, len(self._ids) // RENEW_SHARE)
        due = 0
        for place, pair in enumerate(questions):
            if due <= self._given < labels:
                due += served
                ahead = questions[place : place + AHEAD * served]
                yield self._applied(self._sessions.event(planned=self._round(ahead, served // 2)))
            answers = 0
            while self._state.constraints.implied(*pair) is None and answers < MOST_ANSWERS:
                if self._given == labels:
                    return
                asked = self._between(pair) if answers else pair
                yield self._applied(self._sessions.event(labelled=self._labelled(asked)))
                answers += 1

    def _applied(self, entry: bytes) -> bytes:
        self._state.apply(entry)
        return entry

    def _labelled(self, pair: Pair) -> pb.LabelsGiven:
        self._given += 1
        same = self._animals[pair[0]] == self._animals[pair[1]]
        label = pb.Label(
            label_id=f"{self._state.position + 1}-1",
            first_detection_id=self._ids[pair[0]],
            second_detection_id=self._ids[pair[1]],
            answer=pb.ANSWER_SAME if same else pb.ANSWER_DIFFERENT,
            annotator_id=f"annotator-{self._given % ANNOTATORS}",
        )
        label.create_time.GetCurrentTime()
        return pb.LabelsGiven(labels=[label])

    def _between(self, pair: Pair) -> Pair:
        """Images of the same two groups, by chance."""
        constraints = self._state.constraints
        first, second = (
            int(self._rng.choice(constraints.members(constraints.component_of(i)))) for i in pair
        )
        return (first, second) if first < second else (second, first)

    def _questions(self, labels: int) -> list[Pair]:
        """Every image of an animal but its first with an earlier one; as many pairs of two animals."""
        members: defaultdict[int, list[int]] = defaultdict(list)
        for item, animal in enumerate(self._animals):
            members[animal].append(item)
        same = [
            (images[int(self._rng.integers(place))], images[place])
            for images in members.values()
            for place in range(1, len(images))
        ]
        animals = sorted(members)
        one = self._rng.integers(len(animals), size=labels)
        other = (one + self._rng.integers(1, NEIGHBOURS, size=labels)) % len(animals)
        apart = [
            (int(self._rng.choice(members[animals[a]])), int(self._rng.choice(members[animals[b]])))
            for a, b in zip(one.tolist(), other.tolist(), strict=True)
            if a != b
        ]
        asked = same + apart
        order = self._rng.permutation(len(asked)).tolist()
        return [(min(asked[place]), max(asked[place])) for place in order]

    def _round(self, pairs: Sequence[Pair], renew_after: int) -> pb.PlannedRound:
        number = self._state.queue.round.number if self._state.queue.round else 0
        terms = self._rng.standard_normal((len(pairs), len(Term))).tolist()
        unique = dict(zip(pairs, terms, strict=True))
        asked = tuple(
            PairQuery(*pair, "alike", self._chance(pair), tuple(known)) for pair, known in unique.items()
        )
        message = pb.PlannedRound(survey_revision=1, top_k=50, open_pairs=1_000_000)
        if not number:
            message.added_detection_ids.extend(self._ids)
        round_messages.write(Round(number + 1, "learned", asked, renew_after=renew_after), message)
        return message

    def _chance(self, pair: Pair) -> float:
        same = self._animals[pair[0]] == self._animals[pair[1]]
        return CHANCE_SAME if same else CHANCE_DIFFERENT
