"""Version 3 of the store's content: what was found by visiting every key is listed, without transactions.

The step from version 2 keeps every journal as it is. It visits every key once, with services shut out.
"""

from __future__ import annotations

import itertools
import uuid
from bisect import bisect_left
from collections.abc import Callable, Sequence
from contextlib import suppress

from services.common.store import keys
from services.common.store.organisations import enrol, enrolled
from services.common.store.records import get_record
from services.common.store.store import Store
from spotted.errors import DamagedError
from spotted.v1 import store_pb2

# Makes a set of surveys a hash, each under the mark ARGV[1].
_LIST = """
if redis.call('TYPE', KEYS[1])['ok'] ~= 'set' then return end
local members = redis.call('SMEMBERS', KEYS[1])
redis.call('DEL', KEYS[1])
for _, survey in ipairs(members) do redis.call('HSET', KEYS[1], survey, ARGV[1]) end
"""


def list_everything(store: Store, alive: Callable[[], None]) -> None:
    """Make the lists of organisations, surveys, tokens and trained heads. alive: see `Step`."""
    endings = {"spotted:{o:": "}:surveys", "spotted:{c:": "}:journal"}
    names = store.names(*endings, keys.token(""), keys.head("", ""))
    for prefix, ending in endings.items():
        for name in _below(names, prefix):
            if name.endswith(ending):
                enrol(store, name.removeprefix(prefix).partition("}")[0])
    alive()
    convert = store.script(_LIST)
    for organisation in enrolled(store):
        mark = uuid.uuid4().hex
        convert([keys.surveys(organisation)], [mark])
        for survey_id in store.fields(keys.surveys(organisation)):
            store.put(keys.listing(survey_id), mark.encode(), only_new=True)
        alive()
        _list_heads(store, organisation, names)
        alive()
    prefix = keys.token("")
    for name in _below(names, prefix):
        store.add_member(keys.TOKENS, name.removeprefix(prefix))


def _below(names: Sequence[str], prefix: str) -> Sequence[str]:
    """The names with a prefix among sorted ones."""
    start = bisect_left(names, prefix)
    return list(
        itertools.takewhile(lambda name: name.startswith(prefix), itertools.islice(names, start, None))
    )


def _list_heads(store: Store, organisation: str, names: Sequence[str]) -> None:
    prefix = keys.head(organisation, "")
    for name in _below(names, prefix):
        # a damaged head belongs to no survey
        with suppress(DamagedError):
            head = get_record(store, name, store_pb2.StoredHead, named="head", remedy="")
            if head is not None:
                store.add_member(keys.trained(head.survey_id), name.removeprefix(prefix))
