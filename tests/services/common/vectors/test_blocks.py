from __future__ import annotations

from pathlib import Path

import pytest

from services.common.store.moved import BlockLostError, Reference
from services.common.vectors.blocks import LOADED, VectorBlocks
from services.common.vectors.places import Folder
from spotted.errors import PreconditionError, UnavailableError

UID = "ab" * 16


class CountingFolder(Folder):
    """A folder that counts what is read, and may keep what it gets wrongly."""

    def __init__(self, directory: Path) -> None:
        super().__init__(directory)
        self.reads = 0
        self.broken = False

    def get(self, name: str) -> bytes | None:
        self.reads += 1
        return super().get(name)

    def put(self, name: str, content: bytes) -> None:
        super().put(name, content[:-1] if self.broken else content)


@pytest.fixture
def place(tmp_path: Path) -> CountingFolder:
    return CountingFolder(tmp_path)


@pytest.fixture
def blocks(place: CountingFolder) -> VectorBlocks:
    made = VectorBlocks(place)
    made.store_id = "store"
    return made


def test_parts_come_back_and_a_block_is_read_once(blocks: VectorBlocks, place: CountingFolder) -> None:
    whole = [blocks.write("zoo", UID, bytes([i]) * 100 + b"end") for i in range(LOADED + 1)]
    place.reads = 0
    for _ in range(5):
        part = Reference(UID, whole[0].digest, whole[0].nonce, 98, 5)
        assert bytes(blocks.part("zoo", part)) == b"\0\0end"
    assert place.reads == 1
    for each in whole:
        assert len(blocks.part("zoo", each)) == each.length
    assert place.reads == LOADED + 1
    # the first one made room
    blocks.part("zoo", whole[0])
    assert place.reads == LOADED + 2


def test_blocks_of_one_content_have_names_of_their_own(blocks: VectorBlocks) -> None:
    first, second = (blocks.write("", UID, b"same") for _ in range(2))
    assert first.digest == second.digest
    assert first.block != second.block
    assert len(list(blocks.kept())) == 2


def test_a_missing_damaged_or_short_block_is_named(
    blocks: VectorBlocks, place: CountingFolder, tmp_path: Path
) -> None:
    whole = blocks.write("zoo", UID, b"content")
    path = tmp_path / "store" / "zoo" / UID / whole.block
    with pytest.raises(BlockLostError, match=rf"{whole.block} in {tmp_path} is shorter"):
        blocks.part("zoo", Reference(UID, whole.digest, whole.nonce, 1, 7))
    other = VectorBlocks(place)
    other.store_id = "store"
    path.write_bytes(b"Content")
    with pytest.raises(BlockLostError, match=rf"{whole.block} of its vectors in {tmp_path} is damaged"):
        other.part("zoo", whole)
    path.unlink()
    with pytest.raises(BlockLostError, match=rf"{whole.block} of its vectors is not in {tmp_path}"):
        other.part("zoo", whole)


def test_a_block_that_was_kept_wrongly_is_an_error_and_removed(
    blocks: VectorBlocks, place: CountingFolder
) -> None:
    place.broken = True
    with pytest.raises(UnavailableError, match="did not keep a block"):
        blocks.write("", UID, b"content")
    assert list(blocks.kept()) == []


def test_blocks_of_a_store_that_was_not_opened_are_refused(place: CountingFolder) -> None:
    with pytest.raises(PreconditionError, match="open the store first"):
        VectorBlocks(place).write("", UID, b"content")
