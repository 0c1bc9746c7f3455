"""`python -m services.embedder.training`: run one training in a process of its own."""

from __future__ import annotations

import json
import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from services.common.settings import from_environment
from services.common.store import keys
from services.common.store.operations import Operations
from services.common.store.store import Store
from services.embedder.training.trainings import MARK_TTL_S
from spotted.heads.head import HeadRecipe

# several of these fit into the time after which an operation without an update counts as dead
BEAT_S = 10.0


@contextmanager
def alive(
    store: Store, operation_id: str, survey_id: str, generation: str, *, beat_s: float = BEAT_S
) -> Iterator[None]:
    """Update the operation every few seconds until the block ends. generation: of the survey."""
    operations = Operations(store, now=store.now, organisation=keys.owner(survey_id))
    operation = operations.get(operation_id)
    operation.message = "loading torch"
    ended = threading.Event()

    def beat() -> None:
        while True:
            operations.put(operation)
            store.put(keys.training(survey_id, generation), operation_id.encode(), ttl_s=MARK_TTL_S)
            if ended.wait(beat_s):
                return

    thread = threading.Thread(target=beat, name="alive", daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def main(operation_id: str, survey_id: str, generation: str, recipe_json: str) -> None:
    """Run the training of an operation."""
    store = Store(from_environment("embedder", os.environ).store_url)
    store.open()
    with alive(store, operation_id, survey_id, generation):
        # importing torch takes over a minute on a busy machine
        from services.embedder.training.worker import Training  # noqa: PLC0415
    Training(store, operation_id, survey_id, generation, HeadRecipe(**json.loads(recipe_json))).run()
    store.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
