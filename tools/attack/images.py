"""Hostile images: small files that are costly to decode, damaged ones, and callers that leave early."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import grpc

from spotted.v1 import embedder_pb2 as pb
from tools.attack.bystanders import photograph
from tools.attack.outcomes import BreachError
from tools.attack.site import CALL_S, Site
from tools.hostile_images import mixture

IN_A_CALL = 4
CALLERS = 16
# the attacker leaves after it, whatever is still being decoded
PATIENCE_S = 6.0
# what an embedder may answer on purpose
ANSWERS = frozenset(
    {
        grpc.StatusCode.INVALID_ARGUMENT,
        grpc.StatusCode.RESOURCE_EXHAUSTED,
        grpc.StatusCode.DEADLINE_EXCEEDED,
        grpc.StatusCode.CANCELLED,
    }
)


def send_images(site: Site, count: int) -> str:
    """Send hostile images from several callers at once; an ordinary one is embedded afterwards."""
    seen: Counter[str] = Counter()
    with site.client(site.token("images")[1]) as client, ThreadPoolExecutor(CALLERS) as pool:
        stub = client.connection.embedder.stub

        def send(contents: Sequence[bytes]) -> list[str]:
            crops = [pb.Crop(crop_id=str(n), image=content) for n, content in enumerate(contents)]
            request = pb.EmbedRequest(crops=crops, survey_id="hostile")
            try:
                results = stub.Embed(request, timeout=PATIENCE_S).results
            except grpc.RpcError as error:
                return [_name(error)] * len(contents)
            return ["refused" if result.HasField("error") else "embedded" for result in results]

        images = mixture(count)
        calls = [images[first : first + IN_A_CALL] for first in range(0, count, IN_A_CALL)]
        for outcomes in pool.map(send, calls):
            seen.update(outcomes)
        (good,) = stub.Embed(pb.EmbedRequest(crops=[pb.Crop(image=photograph())]), timeout=CALL_S).results
    if good.HasField("error"):
        raise BreachError(f"an ordinary image is refused afterwards: {good.error.message}")
    return f"{count} images: " + ", ".join(f"{number} {what}" for what, number in seen.most_common())


def _name(error: grpc.RpcError) -> str:
    if error.code() not in ANSWERS:
        raise BreachError(f"an image was answered {error.code().name}: {error.details()}")
    return str(error.code().name)
