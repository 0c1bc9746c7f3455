"""The model behind mosec: raw bytes in and out, batches formed by its Rust front."""

from __future__ import annotations

import sys

from mosec import Runtime, Server, Worker

from benchmarks.embedder.peers.model import BATCH, PORT, WAIT_S, WORKERS, Model


class Embedding(Worker):  # type: ignore[misc] # the extra `bench` is not type-checked
    """One model in each process."""

    resp_mime_type = "application/octet-stream"

    def __init__(self) -> None:
        super().__init__()
        self.model = Model()

    def deserialize(self, data: bytes) -> bytes:
        """The body unchanged."""
        return data

    def serialize(self, data: bytes) -> bytes:
        """The features unchanged."""
        return data

    def forward(self, data: bytes | list[bytes]) -> bytes | list[bytes]:
        """The features of one file, or of a batch of files."""
        return self.model.features(data) if isinstance(data, list) else self.model.features([data])[0]


if __name__ == "__main__":
    sys.argv = ["mosec", "--address", "127.0.0.1", "--port", str(PORT), "--timeout", "60000"]
    server = Server()
    runtime = Runtime(Embedding, num=WORKERS, max_batch_size=BATCH, max_wait_time=max(1, int(WAIT_S * 1000)))
    server.register_runtime({"/predict": [runtime]})
    server.run()
