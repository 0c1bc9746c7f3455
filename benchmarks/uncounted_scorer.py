"""A scorer that neither counts nor traces its calls, to measure what that costs."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import grpc

from services.common import process
from services.common.watching import WatchInterceptor
from services.scorer.__main__ import run

# Any stands for gRPC's own kind of handler


async def looked_away(
    _: WatchInterceptor,
    continuation: Callable[[grpc.HandlerCallDetails], Awaitable[Any]],
    handler_call_details: grpc.HandlerCallDetails,
) -> Any:  # noqa: ANN401 - the same
    """Hand on."""
    return await continuation(handler_call_details)


if __name__ == "__main__":
    WatchInterceptor.intercept_service = looked_away  # type: ignore[method-assign,assignment] # the one difference
    process.main("scorer", run)
