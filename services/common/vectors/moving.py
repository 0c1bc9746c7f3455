"""The thread that moves the vectors of all surveys of a store to blocks, and sweeps unused blocks."""

from __future__ import annotations

import logging
import threading
import time
import uuid
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from services.common.store import keys
from services.common.store.store import Store
from services.common.survey.listing import Listing
from services.common.telemetry import metrics
from services.common.vectors.blocks import VectorBlocks
from services.common.vectors.mover import BLOCK_BYTES, LEAST_BYTES, Mover, Progress
from services.common.vectors.sweeping import sweep
from spotted.errors import SpottedError

# a survey that nobody adds to for this long is moved up to its rest
PASS_S = 300.0
# so long one process keeps others from a survey, unless it ends before
LEASE_S = 60
SWEEP_EVERY_S = 6 * 3600
STOP_S = 5.0

logger = logging.getLogger("spotted")


class Moving:
    """Moves vectors in the background; its failures are logged, once for each cause, and never a caller's.

    block_bytes: size of a block, about. pass_s: interval between looks at all surveys.
    """

    def __init__(
        self,
        store: Store,
        blocks: VectorBlocks,
        *,
        block_bytes: int = BLOCK_BYTES,
        pass_s: float = PASS_S,
    ) -> None:
        self._store = store
        self._blocks = blocks
        self._mover = Mover(store, blocks, block_bytes=block_bytes)
        self._listing = Listing(store)
        self._block_bytes = block_bytes
        self._pass_s = pass_s
        self._grown: Counter[str] = Counter()
        self._turn = threading.Condition()
        self._stopped = False
        self._holder = uuid.uuid4().hex.encode()
        self._failed = ""
        self._thread = threading.Thread(target=self._run, name="moving vectors", daemon=True)

    def start(self) -> None:
        """Begin, with a look at all surveys."""
        self._thread.start()

    def stop(self) -> None:
        """End after the block being moved, unless that takes long."""
        with self._turn:
            self._stopped = True
            self._turn.notify()
        if self._thread.is_alive():
            # what is cut off is moved by the next process
            self._thread.join(STOP_S)

    def grown(self, survey_id: str, size: int) -> None:
        """Note that vectors of this many bytes were added to a survey."""
        with self._turn:
            self._grown[survey_id] += size
            if self._grown[survey_id] >= self._block_bytes:
                self._turn.notify()

    def move(self, survey_id: str, *, rest: bool = False) -> Progress:
        """Move the vectors of a survey, unless another process does; returns the progress."""
        lease, kept = keys.moving(survey_id), keys.moved(survey_id)
        since = _read(self._store.get(kept))
        if not self._store.put(lease, self._holder, ttl_s=LEASE_S, only_new=True):
            return since
        try:
            progress = self._mover.move(survey_id, since, rest=rest)
            if progress.generation:
                self._store.put(kept, _written(progress))
        finally:
            if self._store.get(lease) == self._holder:
                self._store.delete(lease)
        metrics.VECTORS_MOVED_BYTES.inc(progress.moved_bytes)
        return progress

    def look(self) -> None:
        """Move what fills blocks of every survey, and the rest of each that did not grow since."""
        left = 0
        for survey_id in self._listing.existing():
            with self._logging():
                left += self._look_at(survey_id)
            if self._stopped:
                return
        metrics.VECTORS_LEFT_BYTES.set(left)
        with self._logging():
            if self._store.put(keys.BLOCKS_SWEPT, b"", ttl_s=SWEEP_EVERY_S, only_new=True):
                for name in sweep(self._store, self._blocks):
                    logger.info("block %s, which no survey uses, was removed", name)

    def _look_at(self, survey_id: str) -> int:
        """Look at a survey; returns the bytes of its vectors that stay in the store."""
        length = self._store.length(keys.survey_journal(survey_id))
        before = _read(self._store.get(keys.moved(survey_id)))
        same = before.length == length
        if same and before.left_bytes < LEAST_BYTES:
            return before.left_bytes
        return self.move(survey_id, rest=same).left_bytes

    def _run(self) -> None:
        while not self._stopped:
            with self._logging():
                self.look()
            # surveys that grow all the time do not put off the next look
            due_s = time.monotonic() + self._pass_s
            while (survey_id := self._next(due_s)) is not None:
                with self._logging():
                    self.move(survey_id)

    def _next(self, due_s: float) -> str | None:
        """The next survey that grew by a block; None if it is time to look at all, at `due_s` (monotonic)."""
        with self._turn:
            left_s = due_s - time.monotonic()
            found = left_s > 0 and self._turn.wait_for(
                lambda: self._stopped or self._full() is not None, left_s
            )
            survey_id = None if self._stopped or not found else self._full()
            if survey_id is None:
                self._grown.clear()
            else:
                del self._grown[survey_id]
            return survey_id

    def _full(self) -> str | None:
        return next((each for each, size in self._grown.items() if size >= self._block_bytes), None)

    @contextmanager
    def _logging(self) -> Iterator[None]:
        try:
            yield
        except SpottedError as error:
            metrics.VECTORS_FAILED.inc()
            if str(error) != self._failed:
                logger.warning("vectors stay in the store: %s", error)
            self._failed = str(error)
        except Exception:
            # the next look tries again; the vectors are where they were
            metrics.VECTORS_FAILED.inc()
            logger.exception("vectors stay in the store")
        else:
            self._failed = ""


def _written(progress: Progress) -> bytes:
    numbers = progress.position, progress.length, progress.left_bytes
    return " ".join((progress.generation, *map(str, numbers))).encode()


def _read(kept: bytes | None) -> Progress:
    """The kept progress; that of a survey never looked at if there is none, or it is not as written."""
    words = (kept or b"").split()
    if len(words) != 4 or not all(each.isdigit() for each in words[1:]):  # noqa: PLR2004 - as written
        return Progress()
    position, length, left = (int(each) for each in words[1:])
    return Progress(words[0].decode(errors="replace"), position, length, 0, left)
