"""The agreement of all processes on the place of a store's vectors, which the store names."""

from __future__ import annotations

import uuid
from pathlib import Path

from services.common.store import keys
from services.common.store.moved import no_blocks
from services.common.store.store import Store
from services.common.vectors.blocks import VectorBlocks
from services.common.vectors.buckets import Bucket
from services.common.vectors.places import Folder
from spotted.errors import PreconditionError
from spotted.object_stores import is_url, read_settings

# an object of the place that says whose blocks are beside it
MARK = "store"


def open_vector_blocks(place: str, settings: Path | None = None) -> VectorBlocks | None:
    """The blocks in a folder, or below a URL; None for "": vectors stay in the store.

    settings: directory of settings of an object store. Raises as `open_object_store`.
    """
    if not place:
        return None
    return VectorBlocks(Bucket(place, read_settings(settings)) if is_url(place) else Folder(Path(place)))


def open_joined(store: Store, blocks: VectorBlocks | None) -> None:
    """Open a store, and check that its blocks are those of all other processes.

    blocks: those of the store. Raises PreconditionError if another place, or none, is configured than the
    store's vectors are in, UnavailableError if the place cannot be reached, and as `Store.open`.
    """
    store.open()
    store_id = (store.get(keys.BLOCKS) or b"").decode()
    if blocks is None:
        if store_id:
            raise no_blocks()
        return
    if not store_id:
        store_id = _begin(store, blocks)
    if blocks.place.get(f"{store_id}/{MARK}") is None:
        raise PreconditionError(
            f"{blocks.place.shown} does not have the vectors of the store at {store.shown}; mount it, or set "
            "SPOTTED_VECTOR_BLOCKS_URL to the folder or URL that the other services use"
        )
    blocks.store_id = store_id


def _begin(store: Store, blocks: VectorBlocks) -> str:
    """Make the place that of the store, unless another process was first; returns the id that counts."""
    wanted = uuid.uuid4().hex
    # the place first: an id in the store always has its mark
    blocks.place.put(f"{wanted}/{MARK}", store.shown.encode())
    if store.put(keys.BLOCKS, wanted.encode(), only_new=True):
        return wanted
    blocks.place.remove(f"{wanted}/{MARK}")
    return (store.get(keys.BLOCKS) or b"").decode()
