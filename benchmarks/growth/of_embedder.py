"""Crops a second and memory of the embedder, against crops in flight and the images of a call."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from functools import partial

from benchmarks.common import report, servers
from benchmarks.common.crops import jpeg_crops
from benchmarks.embedder.loads import Client, in_flight
from benchmarks.growth.points import Point, Points
from spotted.training.networks import LITE0
from spotted.v1 import embedder_pb2 as pb

IN_FLIGHT, IMAGES = "embedder, crops in flight", "embedder, images of a call"


def measure(points: Points, most: Sequence[int], images: Sequence[int], *, crops: int) -> None:
    """Measure every size that is not known; each takes `crops` crops, in one stream or in calls."""
    wanted = [(IN_FLIGHT, size) for size in most] + [(IMAGES, size) for size in images]
    if all(points.has(*one) for one in wanted):
        return
    drawn = jpeg_crops(min(crops, 64))
    files = [drawn[i % len(drawn)] for i in range(crops)]
    with servers.embedder(LITE0, workers=report.cores()) as serving, Client(serving.address) as client:
        work = {IN_FLIGHT: partial(client.stream, files), IMAGES: partial(_called, client, files)}

        def rated(run: Callable[[int], None], size: int) -> Point:
            begun_s = time.perf_counter()
            run(size)
            rate = crops / (time.perf_counter() - begun_s)
            return {"crops_per_s": rate, "resident_mib": serving.resident_mib}

        # the first crops are slower
        client.stream(files[: max(1, crops // 4)], max(most))
        for series, size in wanted:
            points.measure(series, size, partial(rated, work[series], size))


def _called(client: Client, files: Sequence[bytes], images: int) -> None:
    """Embed all files in calls of `images` images, one call at a time."""

    async def call(some: Sequence[bytes]) -> None:
        response = await client.stub.Embed(pb.EmbedRequest(crops=[pb.Crop(image=file) for file in some]))
        if any(result.WhichOneof("outcome") != "embedding" for result in response.results):
            raise RuntimeError("a good crop was refused")

    client.runner.run(in_flight([files[i : i + images] for i in range(0, len(files), images)], call, 1))
