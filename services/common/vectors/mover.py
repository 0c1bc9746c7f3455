"""Moves the vectors of a survey from the store to blocks.

A block is on disk and was read back before an entry refers to it. An entry that changed meanwhile, or belongs
to another survey with the same id, stays as it is. Two processes may move the same survey; the second finds
nothing to replace. A process that dies leaves a block that nothing refers to, which `sweeping` removes.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace

from google.protobuf.message import DecodeError

from services.common.store import keys
from services.common.store.journal import ANSWERED, PAGE_ENTRIES, generation
from services.common.store.moved import Reference, is_moved, without_part
from services.common.store.seal import entry_place, unsealed
from services.common.store.store import Store
from services.common.survey.state import uid_of
from services.common.vectors.blocks import VectorBlocks
from spotted.v1 import store_pb2, survey_pb2

BLOCK_BYTES = 8 << 20
# less than this stays in the store, even of a survey that nobody adds to
LEAST_BYTES = 256 << 10
# vectors of an entry that take less are not worth a reference
LEAST_PART_BYTES = 512
# the store computes digests of this much at once
STEP_BYTES = 2 << 20
# a block that nothing refers to so long after it was written stays so
WITHIN_S = 3600

# Replaces entries of the journal KEYS[1] of the generation ARGV[1]. ARGV: for each entry its position, its
# SHA-1 and the new one. One that has another digest stays. Returns the number of replaced entries.
_REPLACE = f"""
{ANSWERED}
if digest(KEYS[1]) ~= ARGV[1] then return 0 end
local replaced = 0
for i = 2, #ARGV, 3 do
  local entry = redis.call('LINDEX', KEYS[1], ARGV[i])
  if entry and redis.sha1hex(entry) == ARGV[i + 1] then
    redis.call('LSET', KEYS[1], ARGV[i], ARGV[i + 2])
    replaced = replaced + 1
  end
end
return replaced
"""


@dataclass(frozen=True, slots=True)
class Found:
    """An entry with vectors in the store."""

    position: int
    entry: bytes
    """As stored."""
    part: bytes
    """The vectors as they are in it."""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far the vectors of a survey were moved."""

    generation: str = ""
    """That of the survey; another has other vectors."""
    position: int = 1
    """No entry before it has vectors in the store."""
    length: int = 0
    """Number of events that were looked at."""
    moved_bytes: int = 0
    """Vectors that were moved now."""
    left_bytes: int = 0
    """Vectors that stay in the store for now."""


class Mover:
    """Moves vectors of the surveys of a store. block_bytes: size of a block, about."""

    def __init__(self, store: Store, blocks: VectorBlocks, *, block_bytes: int = BLOCK_BYTES) -> None:
        self._store = store
        self._blocks = blocks
        self._block_bytes = block_bytes
        self._replace = store.script(_REPLACE)

    def move(self, survey_id: str, since: Progress, *, rest: bool = False) -> Progress:
        """Move what fills a block, and with `rest` also less; returns the progress.

        since: the progress of an earlier call. Raises UnavailableError if store or blocks cannot be reached.
        A damaged entry, and all after it, stays as it is.
        """
        journal = keys.survey_journal(survey_id)
        first = next(iter(self._store.slice(journal, 0, 0)), b"")
        created = unsealed(entry_place(journal, 0), first)
        if not created:
            return Progress()
        survey = _Survey(survey_id, uid_of(created), generation(first))
        at = since.position if since.generation == survey.generation else 1
        block, size, total, length = list[Found](), 0, 0, at
        for found in self._vectors(journal, at):
            length = found.position + 1
            if not found.part:
                continue
            block.append(found)
            size += len(found.part)
            if size >= self._block_bytes:
                total += self._write(survey, block)
                block, size = [], 0
        if rest and size >= LEAST_BYTES:
            total += self._write(survey, block)
            block, size = [], 0
        at = block[0].position if block else length
        return Progress(survey.generation, at, length, total, size)

    def _vectors(self, journal: str, start: int) -> Iterator[Found]:
        """The entries from a position on, with the vectors that are in the store."""
        while entries := self._store.slice(journal, start, start + PAGE_ENTRIES - 1):
            for position, entry in enumerate(entries, start):
                if is_moved(entry):
                    yield Found(position, b"", b"")
                    continue
                event = unsealed(entry_place(journal, position), entry)
                if event is None:
                    return
                yield Found(position, entry, vectors_of(event))
            start += len(entries)

    def _write(self, survey: _Survey, block: list[Found]) -> int:
        """Write a block and refer to it; returns the bytes that were moved."""
        begun_s = time.monotonic()
        content = b"".join(found.part for found in block)
        whole = self._blocks.write(survey.organisation, survey.uid, content)
        replaced, begin, references = 0, 0, list[tuple[Found, Reference]]()
        for found in block:
            references.append((found, replace(whole, begin=begin, length=len(found.part))))
            begin += len(found.part)
        for step in _steps(references):
            if time.monotonic() - begun_s > WITHIN_S:
                break
            replaced += self._refer(survey, step)
        if not replaced:
            # another process was first, or the survey was deleted
            self._blocks.remove(survey.organisation, whole)
        return len(content) if replaced else 0

    def _refer(self, survey: _Survey, step: list[tuple[Found, Reference]]) -> int:
        journal = keys.survey_journal(survey.survey_id)
        arguments: list[bytes | str | int] = [survey.generation]
        for found, reference in step:
            place = entry_place(journal, found.position)
            known = hashlib.sha1(found.entry, usedforsecurity=False).hexdigest()
            arguments += [found.position, known, without_part(place, found.entry, found.part, reference)]
        return int(str(self._replace([journal], arguments)))


@dataclass(frozen=True, slots=True)
class _Survey:
    survey_id: str
    uid: str
    generation: str

    @property
    def organisation(self) -> str:
        return keys.owner(self.survey_id)


def vectors_of(event: bytes) -> bytes:
    """The vectors in an event of a survey, as they are in its bytes; b"" for none worth moving."""
    try:
        read = store_pb2.SurveyEvent.FromString(event)
    except DecodeError:
        return b""
    embeddings: survey_pb2.Tensor = read.detections.embeddings
    if read.HasField("updated"):
        embeddings = read.updated.embeddings
    return embeddings.content if len(embeddings.content) >= LEAST_PART_BYTES else b""


def _steps(references: list[tuple[Found, Reference]]) -> Iterator[list[tuple[Found, Reference]]]:
    """The references in steps of which the store computes digests at once."""
    step, size = list[tuple[Found, Reference]](), 0
    for each in references:
        step.append(each)
        size += len(each[0].entry)
        if size >= STEP_BYTES:
            yield step
            step, size = [], 0
    if step:
        yield step
