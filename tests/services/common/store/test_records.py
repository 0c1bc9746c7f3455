from __future__ import annotations

import uuid

import pytest

from services.common.store.records import get_record, put_record
from services.common.store.seal import sealed
from services.common.store.store import Store
from spotted.errors import DamagedError
from spotted.v1 import survey_pb2 as pb

PAIR = pb.Pair(first_detection_id="a", second_detection_id="b")


@pytest.fixture
def key() -> str:
    return f"spotted:test:{uuid.uuid4().hex}"


def read(store: Store, key: str) -> pb.Pair | None:
    return get_record(store, key, pb.Pair, named="the pair", remedy="write it again")


def test_a_record_is_read_as_it_was_written(store: Store, key: str) -> None:
    assert read(store, key) is None
    assert put_record(store, key, PAIR)
    assert read(store, key) == PAIR
    assert not put_record(store, key, pb.Pair(), only_new=True)
    assert read(store, key) == PAIR
    store.delete(key)


def test_every_changed_byte_and_a_record_of_another_key_is_damage(store: Store, key: str) -> None:
    put_record(store, key, PAIR)
    stored = store.get(key) or b""
    changed = [stored[:at] + bytes([stored[at] ^ 4]) + stored[at + 1 :] for at in range(len(stored))]
    for damaged in (*changed, stored[:-1], b"", sealed("another", PAIR.SerializeToString())):
        store.put(key, damaged)
        with pytest.raises(DamagedError, match="the pair is damaged in the store; write it again"):
            read(store, key)
    # written by a release that took it for valid
    store.put(key, sealed(key, b"\xff\xff"))
    with pytest.raises(DamagedError):
        read(store, key)
    store.delete(key)
