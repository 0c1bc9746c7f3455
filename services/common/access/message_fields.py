"""All occurrences of certain fields in a message, searched once per message type."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cache

from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import Message

Chosen = Callable[[FieldDescriptor], bool]


@dataclass(frozen=True, slots=True)
class Fields:
    """The chosen fields in messages of one type."""

    own: tuple[FieldDescriptor, ...]
    """Chosen fields of the message itself."""
    inner: tuple[tuple[FieldDescriptor, Fields], ...]
    """Its fields whose messages contain chosen ones."""

    def __bool__(self) -> bool:
        """Whether there is any chosen field."""
        return bool(self.own or self.inner)

    def of(self, message: Message) -> Iterator[tuple[Message, FieldDescriptor]]:
        """The chosen fields that are set in a message, each with the message that contains it."""
        for field in self.own:
            if field.is_repeated or _is_set(message, field):
                yield message, field
        for field, fields in self.inner:
            for held in _held(message, field):
                yield from fields.of(held)


@cache
def find(descriptor: Descriptor, chosen: Chosen) -> Fields:
    """The chosen fields of a message type; a type that contains itself is searched once."""
    return _find(descriptor, chosen, frozenset())


def _find(descriptor: Descriptor, chosen: Chosen, above: frozenset[str]) -> Fields:
    above |= {descriptor.full_name}
    own = tuple(field for field in descriptor.fields if chosen(field))
    inner = []
    for field in descriptor.fields:
        kind = field.message_type
        if field not in own and kind is not None and kind.full_name not in above and not _is_map(kind):
            fields = _find(kind, chosen, above)
            if fields:
                inner.append((field, fields))
    return Fields(own, tuple(inner))


def _is_map(kind: Descriptor) -> bool:
    return bool(kind.GetOptions().map_entry)


def _is_set(message: Message, field: FieldDescriptor) -> bool:
    return message.HasField(field.name) if field.has_presence else bool(getattr(message, field.name))


def _held(message: Message, field: FieldDescriptor) -> Iterable[Message]:
    if field.is_repeated:
        held: Iterable[Message] = getattr(message, field.name)
        return held
    return [getattr(message, field.name)] if message.HasField(field.name) else []
