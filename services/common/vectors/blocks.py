"""The blocks of one store: written with a check, read once for all entries that refer to them."""

from __future__ import annotations

import hashlib
import secrets
import threading
from collections import OrderedDict
from collections.abc import Iterator

from services.common.store.moved import BlockLostError, Reference
from services.common.vectors.places import Kept, Place
from spotted.errors import PreconditionError, UnavailableError

# the entries of a survey refer to one block after another, and few surveys are read at the same time
LOADED = 3
# folder of the surveys of no organisation, whose name no organisation has
NO_ORGANISATION = "_"
NONCE_BYTES = 8


class VectorBlocks:
    """The blocks of one store in a place; thread-safe.

    store_id: folder of the store's blocks in the place, known once a process has joined the store.
    """

    def __init__(self, place: Place) -> None:
        self.place = place
        self.store_id = ""
        self._lock = threading.Lock()
        self._loaded: OrderedDict[str, bytes] = OrderedDict()

    def part(self, organisation: str, reference: Reference) -> memoryview:
        """A part of a block.

        Raises BlockLostError if the block is missing or damaged, UnavailableError if the place cannot be
        reached.
        """
        name = self.name(organisation, reference.uid, reference.block)
        with self._lock:
            content = self._loaded.get(name)
        if content is None:
            content = self._load(name, reference.digest)
            with self._lock:
                self._loaded[name] = content
                while len(self._loaded) > LOADED:
                    self._loaded.popitem(last=False)
        ends = reference.begin + reference.length
        if ends > len(content):
            raise BlockLostError(f"block {name} in {self.place.shown} is shorter than it should be")
        return memoryview(content)[reference.begin : ends]

    def write(self, organisation: str, uid: str, content: bytes) -> Reference:
        """Keep a block of a survey, and read it back; returns a reference to all of it.

        Its name was never used before. Raises UnavailableError if it cannot be kept.
        """
        digest, nonce = hashlib.sha256(content).hexdigest(), secrets.token_hex(NONCE_BYTES)
        whole = Reference(uid, digest, nonce, 0, len(content))
        name = self.name(organisation, uid, whole.block)
        self.place.put(name, content)
        if self.place.get(name) != content:
            self.place.remove(name)
            raise UnavailableError(
                f"{self.place.shown} did not keep a block of vectors as it was written; check its disk"
            )
        return whole

    def remove(self, organisation: str, reference: Reference) -> None:
        """Remove a block that no journal refers to."""
        self.place.remove(self.name(organisation, reference.uid, reference.block))

    def kept(self) -> Iterator[Kept]:
        """All objects of the store."""
        return self.place.kept(f"{self._home()}/")

    def name(self, organisation: str, uid: str, block: str) -> str:
        """The name of a block in the place."""
        return f"{self._home()}/{organisation or NO_ORGANISATION}/{uid}/{block}"

    def _home(self) -> str:
        if not self.store_id:
            raise PreconditionError("the store of these vectors is not known yet; open the store first")
        return self.store_id

    def _load(self, name: str, digest: str) -> bytes:
        content = self.place.get(name)
        if content is None:
            raise BlockLostError(f"block {name} of its vectors is not in {self.place.shown}")
        if hashlib.sha256(content).hexdigest() != digest:
            raise BlockLostError(f"block {name} of its vectors in {self.place.shown} is damaged")
        return content
