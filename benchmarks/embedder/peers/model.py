"""The model of every other server: the same preprocessing and session, configured by PEER_* variables."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from services.embedder.images.preprocessing import Preprocessing
from services.embedder.inference.devices import INPUT, OUTPUT, open_session

PORT = int(os.environ["PEER_PORT"])
WORKERS = int(os.environ["PEER_WORKERS"])
THREADS = int(os.environ["PEER_THREADS"])
BATCH = int(os.environ["PEER_BATCH"])
# a batch that is not full runs after this; a longer wait costs more than it gains
WAIT_S = 0.002


class Model:
    """JPEG files to features, as little-endian float32."""

    def __init__(self) -> None:
        size = int(os.environ["PEER_SIZE"])
        self._preprocessing = Preprocessing(size)
        path = Path(os.environ["PEER_MODEL"])
        self._session = open_session(path, "cpu", threads=THREADS, input_size=size)

    def features(self, files: Sequence[bytes]) -> list[bytes]:
        """The features of each file, all in one run."""
        pixels = np.stack([self._preprocessing.apply(content) for content in files])
        (features,) = self._session.run([OUTPUT], {INPUT: pixels})
        return [row.tobytes() for row in features]
