"""Limits per token: calls per second, sizes of messages and images."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message

from services.common.access.caller import Caller
from services.common.access.message_fields import Fields
from spotted.errors import OverloadedError, QuotaError

# the calls of this many seconds may come at once
BURST_S = 2.0
IMAGES = frozenset({"image", "mask_png"})


class Rates:
    """A token bucket per token: it fills at the token's rate and holds the calls of two seconds."""

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        """Begin with full buckets. clock: monotonic seconds."""
        self._clock = clock
        self._lock = threading.Lock()
        # token id -> calls in its bucket, and the time of the count
        self._buckets: dict[str, tuple[float, float]] = {}

    def take(self, caller: Caller) -> None:
        """Count one call or message of a stream. Raises OverloadedError if the rate is exceeded."""
        rate = caller.quota.calls_per_second
        if not rate:
            return
        # at least one call, for rates below one call in two seconds
        largest = max(1.0, BURST_S * rate)
        with self._lock:
            now = self._clock()
            held, counted = self._buckets.get(caller.token_id, (largest, now))
            held = min(largest, held + (now - counted) * rate)
            enough = held >= 1.0
            self._buckets[caller.token_id] = (held - 1.0 if enough else held, now)
        if not enough:
            raise OverloadedError(
                f"this token exceeded its rate of {rate:g} calls per second; try again in a moment, or ask "
                "the operator for a higher rate",
                retry_after_s=(1.0 - held) / rate,
            )


def is_image(field: FieldDescriptor) -> bool:
    """Whether a field contains an encoded image."""
    return field.name in IMAGES and field.type == FieldDescriptor.TYPE_BYTES


def check_sizes(caller: Caller, message: Message, images: Fields) -> None:
    """Raise QuotaError if a message, or an image in it, is larger than the token allows."""
    most = caller.quota.message_bytes
    if most and (size := message.ByteSize()) > most:
        raise QuotaError(
            f"the message has {size} bytes, this token allows {most}; send smaller messages, or ask the "
            "operator for a higher limit"
        )
    largest = caller.quota.image_bytes
    if not largest:
        return
    for held, field in images.of(message):
        size = len(getattr(held, field.name))
        if size > largest:
            raise QuotaError(
                f"an image has {size} bytes, this token allows {largest}; send a smaller one, e.g. the crop "
                "instead of the photograph, or ask the operator for a higher limit"
            )


def check_count(count: int, most: int, things: str, owner: str) -> None:
    """Raise QuotaError if there would be more things than a token allows; a `most` of 0 allows all."""
    if most and count > most:
        raise QuotaError(
            f"{owner} would have {count} {things}, this token allows {most}; delete some, or ask the "
            "operator for a higher limit"
        )
