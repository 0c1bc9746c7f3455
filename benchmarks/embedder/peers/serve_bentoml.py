"""The model behind BentoML: raw bytes in and out of a mounted application.

Without batches each worker has a model. With batches the process of the application sends files to a
service of models, as the batching of BentoML is only available through its typed calls.
"""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

import bentoml
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from benchmarks.embedder.peers.model import BATCH, PORT, WORKERS, Model

LONGEST_MS = 60_000
ROOT = Path(__file__).parents[3]


async def predict(request: Request) -> Response:
    """The features of the file in the body."""
    embedding = bentoml.get_current_service()
    return Response(await embedding.one(await request.body()))


application = Starlette(routes=[Route("/predict", predict, methods=["POST"])])


@bentoml.service(workers=WORKERS, traffic={"timeout": 60})
class Batches:
    """One model in each worker, behind the batching of BentoML."""

    def __init__(self) -> None:
        self.model = Model()

    @bentoml.api(batchable=True, max_batch_size=max(2, BATCH), max_latency_ms=LONGEST_MS)  # type: ignore[untyped-decorator] # no types
    def features(self, files: list[bytes]) -> list[bytes]:
        """The features of a batch of files."""
        return self.model.features(files)


@bentoml.service(workers=1, traffic={"timeout": 60})
@bentoml.asgi_app(application)
class Front:
    """The application in front of a service of models."""

    batches = bentoml.depends(Batches)

    async def one(self, content: bytes) -> bytes:
        """The features of one file."""
        (features,) = await self.batches.to_async.features([content])
        return bytes(features)


@bentoml.service(workers=WORKERS, traffic={"timeout": 60})
@bentoml.asgi_app(application)
class Direct:
    """The application and a model in each worker."""

    def __init__(self) -> None:
        self.model = Model()

    async def one(self, content: bytes) -> bytes:
        """The features of one file."""
        return (await asyncio.to_thread(self.model.features, [content]))[0]


if __name__ == "__main__":
    service = "Front" if BATCH > 1 else "Direct"
    target = f"benchmarks.embedder.peers.serve_bentoml:{service}"
    options = ["--host", "127.0.0.1", "--port", str(PORT), "--working-dir", str(ROOT)]
    os.execv(sys.executable, [sys.executable, "-m", "bentoml", "serve", target, *options])  # noqa: S606 - it
