from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import grpc
import pytest
from grpc import aio

from services.common.rpc.layer import Context, Handler, wrap_handler
from tests.waiting import PATIENCE_S

KINDS = ("unary_unary", "unary_stream", "stream_unary", "stream_stream")


async def _told(request: Any) -> bytes:  # noqa: ANN401 - one request or several
    if isinstance(request, bytes):
        return request
    return b"".join([part async for part in request])


async def one(request: Any, _: object) -> bytes:  # noqa: ANN401 - one request or several
    return await _told(request)


async def several(request: Any, _: object) -> AsyncIterator[bytes]:  # noqa: ANN401 - one request or several
    for byte in await _told(request):
        yield bytes([byte])


def unary(behaviour: Handler) -> Handler:
    async def call(request: Any, context: Context) -> Any:  # noqa: ANN401 - any rpc
        return b"<" + await behaviour(request, context) + b">"

    return call


def stream(behaviour: Handler) -> Handler:
    async def call(
        request: Any,  # noqa: ANN401 - any rpc
        context: Context,
    ) -> AsyncIterator[Any]:
        async for answer in behaviour(request, context):
            yield b"[" + answer + b"]"

    return call


def handler(kind: str) -> grpc.RpcMethodHandler[Any, Any]:
    """A wrapped one, whose requests arrive in capitals and whose answers leave with a full stop."""
    make = getattr(grpc, f"{kind}_rpc_method_handler")
    made = make(
        several if kind.endswith("stream") else one,
        request_deserializer=bytes.upper,
        response_serializer=lambda answer: answer + b".",
    )
    return wrap_handler(made, unary=unary, stream=stream)


async def answered(kind: str) -> list[bytes]:
    """The answers to one call of a kind, over a real channel."""
    server = aio.server()
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("echo", {kind: handler(kind)}),))
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    request: Any = [b"a", b"b"] if kind.startswith("stream") else b"ab"
    try:
        async with aio.insecure_channel(f"127.0.0.1:{port}") as channel:
            call = getattr(channel, kind)(f"/echo/{kind}")(request, timeout=PATIENCE_S)
            return [part async for part in call] if kind.endswith("stream") else [await call]
    finally:
        await server.stop(None)


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_of_handler_keeps_its_kind_and_its_messages_and_is_wrapped(kind: str) -> None:
    wanted = [b"[A].", b"[B]."] if kind.endswith("stream") else [b"<AB>."]
    assert asyncio.run(answered(kind)) == wanted
