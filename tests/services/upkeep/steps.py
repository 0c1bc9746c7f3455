"""An upgrade as a later release might have it: every journal is called otherwise."""

from __future__ import annotations

import sys
from collections.abc import Callable

from services.common.store import keys
from services.common.store.store import Store
from services.upkeep.upgrade import Step, upgrade_store

MOVE = """
if redis.call('EXISTS', KEYS[1]) == 1 then redis.call('RENAME', KEYS[1], KEYS[2]) end
"""
LEASE_S = 1


def events_key(survey_id: str) -> str:
    return f"{keys.of_survey(survey_id)}events"


def move_journals(store: Store, alive: Callable[[], None]) -> None:
    move = store.script(MOVE)
    for survey_id in store.fields(keys.surveys("")):
        alive()
        move([keys.survey_journal(survey_id), events_key(survey_id)], [])


def move_half(store: Store, alive: Callable[[], None]) -> None:
    """As `move_journals`, and hangs half-way until it is killed."""
    first, *_ = store.fields(keys.surveys(""))
    alive()
    store.script(MOVE)([keys.survey_journal(first), events_key(first)], [])
    print("half", flush=True)  # noqa: T201 - what the test waits for
    sys.stdin.read()


RENAMED = Step("1", "2", move_journals)
HALF = Step("1", "2", move_half)

if __name__ == "__main__":
    upgrade_store(Store(sys.argv[1], version=None), [HALF], target="2", lease_s=LEASE_S)
