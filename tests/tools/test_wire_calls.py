from __future__ import annotations

import importlib
import pkgutil
from collections import Counter

from google.protobuf.message import DecodeError
from google.protobuf.message_factory import GetMessageClass

import spotted.v1
from tools.wire_calls import Call, call, rpcs

CALLS = 1500
WAYS = ("unary", "stream")


def drawn() -> list[Call]:
    return [call(0, number, rpcs()) for number in range(CALLS)]


def test_every_rpc_of_the_contract_is_called() -> None:
    contract = {
        f"/{service.full_name}/{method.name}"
        for module in pkgutil.iter_modules(spotted.v1.__path__)
        if module.name.endswith("_pb2")
        for service in importlib.import_module(
            f"spotted.v1.{module.name}"
        ).DESCRIPTOR.services_by_name.values()
        for method in service.methods
    }
    called = {one.rpc.method for one in drawn()}
    assert contract
    assert called >= contract
    assert {one.rpc.shape for one in drawn()} == {f"{a}_{b}" for a in WAYS for b in WAYS}


def test_most_requests_still_parse_and_some_do_not() -> None:
    parsed: Counter[bool] = Counter()
    for one in drawn():
        for content in one.contents:
            parsed[_parses(one, content)] += 1
    assert parsed[True] > 0.7 * parsed.total()
    assert parsed[False] > 0.05 * parsed.total()


def _parses(one: Call, content: bytes) -> bool:
    try:
        GetMessageClass(one.rpc.kind).FromString(content)
    except DecodeError:
        return False
    return True
