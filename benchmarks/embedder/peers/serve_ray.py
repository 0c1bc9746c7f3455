"""The model behind Ray Serve: raw bytes in and out through its HTTP proxy."""

from __future__ import annotations

import asyncio

import ray
from ray import serve
from starlette.requests import Request
from starlette.responses import Response

from benchmarks.embedder.peers.model import BATCH, PORT, WAIT_S, WORKERS, Model

ONGOING = 64


@serve.deployment(num_replicas=WORKERS, max_ongoing_requests=ONGOING, ray_actor_options={"num_cpus": 0})
class Embedding:
    """One model in each replica."""

    def __init__(self) -> None:
        self.model = Model()

    @serve.batch(max_batch_size=BATCH, batch_wait_timeout_s=WAIT_S if BATCH > 1 else 0.0)
    async def features(self, files: list[bytes]) -> list[bytes]:
        """The features of a batch of files."""
        return await asyncio.to_thread(self.model.features, files)

    async def __call__(self, request: Request) -> Response:
        """The features of the file in the body."""
        return Response(await self.features(await request.body()))


if __name__ == "__main__":
    ray.init(num_cpus=WORKERS, include_dashboard=False, log_to_driver=False)
    serve.start(http_options={"host": "127.0.0.1", "port": PORT})
    application = Embedding.bind()  # type: ignore[attr-defined] # the decorator adds it
    serve.run(application, route_prefix="/predict", blocking=True)
