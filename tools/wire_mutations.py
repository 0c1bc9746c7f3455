"""Mutations for `fuzz_wire`: changed fields, which still parse, and changed bytes, which may not."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar, cast

import numpy as np
from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message

# a request that grew by repetition stays below what a service accepts
LARGEST_BYTES = 2 << 20
COUNTS = (2, 101, 1001, 10_001, 20_001)
DOUBLES = (
    *(0.0, -0.0, 1.0, -1.0, 0.5, 5e-324, -5e-324, 1e-300, 1e18, 1e300, -1e300, 2.0**53, 3.5e38),
    *(float("nan"), float("inf"), float("-inf")),
)
WHOLE = (0, 1, 2, 255, 256, 65_535, 65_536, (1 << 31) - 1)
# the ends of every integer type, and of the instants that a Timestamp allows
LARGE = (1 << 31, (1 << 32) - 1, (1 << 63) - 1, (1 << 64) - 1, 253_402_300_800, 1_000_000_000)
NEGATIVE = (-1, -(1 << 31), -(1 << 63), -62_135_596_801)
ENUM = (-1, 0, 1, 2, 3, 4, 5, 8, 99, (1 << 31) - 1, -(1 << 31))
TEXTS = (
    *("", " ", "a" * 64, "a" * 65, "a" * 256, "a" * 257, "a" * 1025, "é" * 1000, "a" * 100_000),
    *(
        "\0",
        "a\0b",
        "line\nbreak",
        "\r\n",
        "\x7f",
        "\u202e\u200b",
        "\ufeff",
        "\U0001f98c" * 70,
        "a/b",
        "../..",
    ),
    *(
        "*",
        "?",
        "[a]",
        "{s:a}",
        "a}:journal",
        "a:journal",
        "%s%n",
        "{0}",
        "None",
        "nan",
        "-1",
        "'; --",
        "AAAA",
    ),
)
RANGES: dict[int, tuple[int, int]] = {
    FieldDescriptor.CPPTYPE_INT32: (-(1 << 31), (1 << 31) - 1),
    FieldDescriptor.CPPTYPE_INT64: (-(1 << 63), (1 << 63) - 1),
    FieldDescriptor.CPPTYPE_UINT32: (0, (1 << 32) - 1),
    FieldDescriptor.CPPTYPE_UINT64: (0, (1 << 64) - 1),
}

ItemT = TypeVar("ItemT")


def pick(rng: np.random.Generator, items: Sequence[ItemT]) -> ItemT:
    """One of several."""
    return items[int(rng.integers(len(items)))]


def mutate(message: Message, rng: np.random.Generator, ids: Sequence[str]) -> None:
    """Change one field of a message or of one inside it. ids: texts that mean something elsewhere."""
    parts = [message, *_inside(message)]
    part = message if rng.random() < 1 / 3 else pick(rng, parts)
    if not part.DESCRIPTOR.fields:
        return
    field = cast("FieldDescriptor", pick(rng, part.DESCRIPTOR.fields))
    if field.is_repeated:
        _mutate_repeated(part, field, rng, ids)
    elif field.message_type is not None:
        _mutate_message(part, field, rng)
    else:
        setattr(part, field.name, value(field, getattr(part, field.name), rng, ids))


def value(
    field: FieldDescriptor,
    present: Any,  # noqa: ANN401 - of the field's type
    rng: np.random.Generator,
    ids: Sequence[str],
) -> Any:  # noqa: ANN401 - of the field's type
    """A value at an edge of a field's type."""
    match field.cpp_type:
        case FieldDescriptor.CPPTYPE_STRING if field.type == FieldDescriptor.TYPE_BYTES:
            return _content(present, rng)
        case FieldDescriptor.CPPTYPE_STRING:
            return pick(rng, ids) if ids and rng.random() < 1 / 3 else pick(rng, TEXTS)
        case FieldDescriptor.CPPTYPE_DOUBLE | FieldDescriptor.CPPTYPE_FLOAT:
            return pick(rng, DOUBLES)
        case FieldDescriptor.CPPTYPE_BOOL:
            return not present
        case FieldDescriptor.CPPTYPE_ENUM:
            return pick(rng, ENUM)
    least, most = RANGES[field.cpp_type]
    return pick(rng, [v for v in (*WHOLE, *LARGE, *NEGATIVE, least, most) if least <= v <= most])


def damaged(content: bytes, rng: np.random.Generator) -> bytes:
    """The bytes of a request after one damage that a client with stubs would never send."""
    return pick(rng, DAMAGES)(content, rng)


def _inside(message: Message) -> Iterator[Message]:
    for field, held in message.ListFields():
        if field.message_type is not None:
            for part in list(held)[:50] if field.is_repeated else [held]:
                yield part
                yield from _inside(part)


def _mutate_message(part: Message, field: FieldDescriptor, rng: np.random.Generator) -> None:
    part.ClearField(field.name)
    if rng.random() < 1 / 2:
        # present and empty, which is not absent
        getattr(part, field.name).SetInParent()


def _mutate_repeated(
    part: Message, field: FieldDescriptor, rng: np.random.Generator, ids: Sequence[str]
) -> None:
    items = list(getattr(part, field.name))
    if field.message_type is None and rng.random() < 1 / 2:
        added = value(field, b"" if field.type == FieldDescriptor.TYPE_BYTES else 0, rng, ids)
        changed = [*items[:-1], added] if rng.random() < 1 / 2 else [*items, added]
    else:
        changed = pick(rng, (_none, _one_less, _backwards, _many))(items, rng)
    part.ClearField(field.name)
    getattr(part, field.name).extend(changed)


def _none(_: list[ItemT], __: np.random.Generator) -> list[ItemT]:
    return []


def _one_less(items: list[ItemT], _: np.random.Generator) -> list[ItemT]:
    return items[1:]


def _backwards(items: list[ItemT], _: np.random.Generator) -> list[ItemT]:
    return items[::-1]


def _many(items: list[ItemT], rng: np.random.Generator) -> list[ItemT]:
    """The same items over and over."""
    if not items:
        return items
    size = max(1, sum(i.ByteSize() if isinstance(i, Message) else len(str(i)) for i in items) // len(items))
    count = min(pick(rng, COUNTS), LARGEST_BYTES // size)
    return (items * (count // len(items) + 1))[:count]


def _content(present: bytes, rng: np.random.Generator) -> bytes:
    numbers = (np.nan, np.inf, 0.0, 1e-45, 3e38, 65504.0)
    match int(rng.integers(6)):
        case 0:
            return b""
        case 1:
            return present[: int(rng.integers(len(present) + 1))]
        case 2:
            return present + b"\0"
        case 3:
            return rng.bytes(len(present))
        case 4:
            # as many elements, all at an edge of their type
            return (struct.pack("<f", pick(rng, numbers)) * (len(present) // 4 + 1))[: len(present)]
    return _flipped(present, rng)


def _cut(content: bytes, rng: np.random.Generator) -> bytes:
    return content[: int(rng.integers(len(content) + 1))]


def _flipped(content: bytes, rng: np.random.Generator) -> bytes:
    flipped = bytearray(content)
    for _ in range(int(rng.integers(1, 5)) if flipped else 0):
        flipped[int(rng.integers(len(flipped)))] ^= 1 << int(rng.integers(8))
    return bytes(flipped)


def _at_random(_: bytes, rng: np.random.Generator) -> bytes:
    return rng.bytes(int(rng.integers(200)))


def _unknown(content: bytes, rng: np.random.Generator) -> bytes:
    field = pick(rng, (b"\xfa\xff\x01\x03abc", b"\xf8\xff\x01\x7f", b"\xf9\xff\x01" + b"\1" * 8))
    return content + field * pick(rng, (1, 1, 1, 10_000))


def _retyped(content: bytes, rng: np.random.Generator) -> bytes:
    """The first field under another wire type: its bytes mean something else."""
    return bytes([content[0] & 0xF8 | int(rng.integers(8))]) + content[1:] if content else b"\x0d"


def _renumbered(content: bytes, rng: np.random.Generator) -> bytes:
    """The first field under another number: what is an id may be a message now."""
    return bytes([int(rng.integers(16)) << 3 | content[0] & 7]) + content[1:] if content else b"\0"


def _no_text(content: bytes, rng: np.random.Generator) -> bytes:
    letters = [place for place, byte in enumerate(content[:300]) if byte > ord("/")]
    if not letters:
        return b"\x0a\x02\xc3\x28"
    place = pick(rng, letters)
    return content[:place] + b"\xff" + content[place + 1 :]


def _nested(content: bytes, rng: np.random.Generator) -> bytes:
    """Groups within groups, of a number that no message has."""
    depth = pick(rng, (3, 99, 101, 20_000))
    return content + b"\xfb\xff\x01" * depth + b"\xfc\xff\x01" * (depth if rng.random() < 1 / 2 else 0)


def _nested_messages(content: bytes, rng: np.random.Generator) -> bytes:
    """The request as its own field, some times over."""
    for _ in range(pick(rng, (1, 2, 90))):
        content = b"\x0a" + _varint(len(content)) + content
    return content


def _twice(content: bytes, _: np.random.Generator) -> bytes:
    return content + content


def _too_long(content: bytes, rng: np.random.Generator) -> bytes:
    """A field that says that it is longer than the request."""
    return content + b"\x0a" + _varint(pick(rng, (1, 1 << 20, (1 << 31) - 1, 1 << 31, (1 << 64) - 1)))


def _varint(number: int) -> bytes:
    written = bytearray()
    while number > 0x7F:  # noqa: PLR2004 - seven bits a byte
        written.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*written, number])


DAMAGES: tuple[Callable[[bytes, np.random.Generator], bytes], ...] = (
    *(_cut, _flipped, _at_random, _unknown, _retyped, _renumbered),
    *(_no_text, _nested, _nested_messages, _twice, _too_long),
)
