"""The model behind LitServe: raw bytes in and out, batches formed by its workers."""

from typing import Annotated

import litserve
from fastapi import Body, Response

from benchmarks.embedder.peers.model import BATCH, PORT, WAIT_S, WORKERS, Model


class Api(litserve.LitAPI):  # type: ignore[misc] # the extra `bench` is not type-checked
    """One model in each worker."""

    def setup(self, device: str) -> None:  # noqa: ARG002 - named by LitServe
        """Load the model."""
        self.model = Model()

    # LitServe evaluates the annotation at start, so it must not be a string
    def decode_request(self, request: Annotated[bytes, Body(media_type="application/octet-stream")]) -> bytes:
        """The body unchanged."""
        return request

    def batch(self, inputs: list[bytes]) -> list[bytes]:
        """The list unchanged, as the model takes a list."""
        return inputs

    def predict(self, inputs: bytes | list[bytes]) -> bytes | list[bytes]:
        """The features of one file, or of a batch of files."""
        return self.model.features(inputs) if isinstance(inputs, list) else self.model.features([inputs])[0]

    def unbatch(self, output: list[bytes]) -> list[bytes]:
        """The list unchanged."""
        return output

    def encode_response(self, output: bytes) -> Response:
        """The features as the body of the response."""
        return Response(output)


if __name__ == "__main__":
    api = Api(max_batch_size=BATCH, batch_timeout=WAIT_S)
    server = litserve.LitServer(api, accelerator="cpu", workers_per_device=WORKERS, timeout=False)
    server.run(
        host="127.0.0.1", port=PORT, num_api_servers=1, generate_client_file=False, log_level="warning"
    )
