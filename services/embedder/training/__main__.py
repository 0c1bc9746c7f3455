"""`python -m services.embedder.training`: run one training in a process of its own."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from services.common.settings import from_environment
from services.common.store import keys
from services.common.store.operations import Operations
from services.common.store.store import Store
from services.common.survey.survey_operations import RunningOperation
from services.common.vectors import open_joined, open_vector_blocks
from services.embedder.training.jobs import NamedHead, read_job
from services.embedder.training.named_worker import NamedTraining
from services.embedder.training.trainings import TRAIN

# several of these fit into the time after which an operation without an update counts as dead
BEAT_S = 10.0


@contextmanager
def alive(running: RunningOperation, *, beat_s: float = BEAT_S) -> Iterator[None]:
    """Update an operation every few seconds until the block ends."""
    running.operation.message = "loading torch"
    ended = threading.Event()

    def beat() -> None:
        while True:
            running.renew()
            if ended.wait(beat_s):
                return

    thread = threading.Thread(target=beat, name="alive", daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def main(operation_id: str, survey_id: str, generation: str) -> None:
    """Run the training of an operation, whose job is the standard input."""
    job = read_job(sys.stdin.read())
    settings = from_environment("embedder", os.environ)
    blocks = open_vector_blocks(settings.vector_blocks, settings.object_store_settings)
    store = Store(settings.store_url, blocks=blocks)
    open_joined(store, blocks)
    operation = Operations(store, now=store.now, organisation=keys.owner(survey_id)).get(operation_id)
    running = RunningOperation(store, operation, TRAIN.mark(survey_id, generation), survey_id)
    if isinstance(job, NamedHead):
        NamedTraining(store, running, survey_id, generation, job).run()
    else:
        with alive(running):
            # importing torch takes over a minute on a busy machine
            from services.embedder.training.worker import Training  # noqa: PLC0415
        Training(store, running, survey_id, generation, job).run()
    store.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
