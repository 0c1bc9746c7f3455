"""Surveys in the lists of their organisations, as tests put them there."""

from __future__ import annotations

from services.common.store import keys
from services.common.store.store import Store

LISTED, STRUCK = (
    "redis.call('HSET', KEYS[1], ARGV[1], 'planted')",
    "redis.call('HDEL', KEYS[1], ARGV[1])",
)


def enlist(store: Store, survey_id: str | bytes, organisation: str = "") -> None:
    """List a survey."""
    store.script(LISTED)([keys.surveys(organisation)], [survey_id])


def strike(store: Store, survey_id: str | bytes, organisation: str = "") -> None:
    """Take a survey from its list."""
    store.script(STRUCK)([keys.surveys(organisation)], [survey_id])
