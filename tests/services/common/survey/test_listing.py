"""What exists is listed, at every step at which a creation or a deletion may die or meet another."""

from __future__ import annotations

import itertools
import uuid
from collections.abc import Iterator

import pytest

from services.common.store import keys
from services.common.store.store import Store
from services.common.survey.existence import Existence
from services.common.survey.listing import MARK_TTL_S, YOUNG_S, Listing
from spotted.errors import QuotaError


@pytest.fixture
def listing(store: Store) -> Listing:
    return Listing(store)


@pytest.fixture
def organisation() -> str:
    return f"o{uuid.uuid4().hex[:8]}"


def created(store: Store, survey_id: str, *, most: int = 0) -> None:
    Existence(store).create_survey(survey_id, uuid.uuid4().bytes, b"answer", "", most=most)


def aged(store: Store, survey_id: str) -> None:
    """As if the creation under way had begun a minute ago."""
    age = store.script("return redis.call('EXPIRE', KEYS[1], ARGV[1])")
    assert age([keys.listing(survey_id)], [MARK_TTL_S - YOUNG_S]) == 1


def test_a_survey_that_is_being_created_is_listed_and_stays(
    listing: Listing, store: Store, organisation: str
) -> None:
    survey_id = f"{organisation}/a"
    mark = listing.enter(survey_id)
    assert mark
    # another creation of it, at the same time, shares the mark
    assert listing.enter(survey_id) == mark
    assert listing.ids(organisation) == [survey_id]
    assert not listing.withdraw(survey_id)
    created(store, survey_id)
    aged_mark = store.get(keys.listing(survey_id))
    assert aged_mark == mark.encode()
    assert not listing.withdraw(survey_id)
    assert listing.enter(survey_id) == ""
    assert survey_id in listing.existing()


def test_a_creation_that_died_is_withdrawn_and_counts_against_no_quota(
    listing: Listing, store: Store, organisation: str
) -> None:
    dead = f"{organisation}/dead"
    listing.enter(dead)
    with pytest.raises(QuotaError, match="would have 2 surveys"):
        created(store, f"{organisation}/b", most=1)
    aged(store, dead)
    created(store, f"{organisation}/b", most=1)
    assert listing.ids(organisation) == [f"{organisation}/b"]
    # it was paused only, and creates the survey after all: under a mark that it no longer has
    created(store, dead)
    assert listing.ids(organisation) == [f"{organisation}/b", dead]
    assert {f"{organisation}/b", dead} <= {*listing.existing()}


def test_what_is_listed_and_gone_is_skipped_and_withdrawn(
    listing: Listing, store: Store, organisation: str
) -> None:
    survey_id = f"{organisation}/a"
    created(store, survey_id)
    # as a deletion that died before it withdrew the survey
    journal = keys.survey_journal(survey_id)
    store.delete(journal, journal + keys.LENGTH, keys.listing(survey_id))
    assert listing.ids(organisation) == [survey_id]
    assert survey_id not in listing.existing()
    assert listing.ids(organisation) == []


class Steps:
    """The scripts of a creation and of a withdrawal, stepped in any order: each call is one atomic step."""

    def __init__(self, store: Store, survey_id: str) -> None:
        self.store, self.survey_id = store, survey_id

    def creation(self) -> Iterator[None]:
        """A creation that stops before each of its steps."""
        existence = Existence(self.store)
        entered = existence.listing

        def steps() -> Iterator[None]:
            for _ in range(10):
                yield
                mark = entered._mark(_of(self.survey_id), [uuid.uuid4().hex, MARK_TTL_S])
                if mark is None:
                    return
                yield
                listed = [keys.surveys(keys.owner(self.survey_id))]
                entered._list(listed, [self.survey_id, mark, 0])  # type: ignore[list-item]
                yield
                request = keys.request(self.survey_id, "CreateSurvey", uuid.uuid4().hex)
                made = existence._create_survey(
                    [*_of(self.survey_id), request],
                    [mark, uuid.uuid4().bytes, b"answer", 60],  # type: ignore[list-item]
                )
                if made != 1:
                    return

        return steps()

    def withdrawal(self) -> Iterator[None]:
        """A withdrawal of a survey whose creation counts as dead, that stops before each of its steps."""
        listing, listed = Listing(self.store), [keys.surveys(keys.owner(self.survey_id))]
        yield
        mark = listing._mark_of(listed, [self.survey_id])
        yield
        # no creation is too young
        gone = listing._unmark(_of(self.survey_id), [MARK_TTL_S])
        if gone and mark is not None:
            yield
            listing._strike(listed, [self.survey_id, mark])  # type: ignore[list-item]


def _of(survey_id: str) -> list[str]:
    journal = keys.survey_journal(survey_id)
    return [journal, journal + keys.LENGTH, keys.listing(survey_id)]


def test_in_every_order_of_two_creations_and_a_withdrawal_what_exists_is_listed(
    store: Store, organisation: str
) -> None:
    orders = {*itertools.permutations([0, 0, 0, 1, 1, 1, 2, 2, 2])}
    wrong = []
    for number, order in enumerate(sorted(orders)[:: len(orders) // 300]):
        survey_id = f"{organisation}/s{number}"
        steps = Steps(store, survey_id)
        running = [steps.creation(), steps.creation(), steps.withdrawal()]
        for each in (*order, 0, 1, 2, 2, 2, 2, *[0] * 6, *[1] * 6):
            next(running[each], None)
            exists = store.length(keys.survey_journal(survey_id)) > 0
            if exists and survey_id not in store.fields(keys.surveys(organisation)):
                wrong.append((order, each))
        assert store.length(keys.survey_journal(survey_id)) == 1
    assert not wrong
