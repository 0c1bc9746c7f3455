"""SIGTERM while calls run: every call that was taken is answered."""

from __future__ import annotations

import io
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import grpc
import numpy as np
import pytest
from PIL import Image

from spotted.local import health, processes
from spotted.v1 import embedder_pb2 as pb
from spotted.v1.embedder_pb2_grpc import EmbedderServiceStub
from tests.waiting import PATIENCE_S

pytestmark = pytest.mark.slow

CROPS = 200
CALLS = 24


@pytest.fixture
def image() -> bytes:
    content = io.BytesIO()
    pixels = np.random.default_rng(0).integers(0, 255, (300, 300, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(content, "JPEG")
    return content.getvalue()


def test_an_embedder_asked_to_stop_answers_what_it_took(
    tmp_path: Path, store_url: str, models: Path, image: bytes
) -> None:
    environment = {"SPOTTED_MODELS": str(models), "SPOTTED_WORKERS": "1"}
    # a busy machine may need minutes for what an idle one drains in seconds
    environment["SPOTTED_DRAIN_S"] = str(PATIENCE_S)
    member = processes.start_service("embedder", tmp_path, processes.free_port(), store_url, "", environment)
    processes.wait(member, tmp_path / "embedder.log")
    process = member.process()
    assert process is not None
    flowing = threading.Event()
    with grpc.insecure_channel(member.address) as channel, ThreadPoolExecutor(1) as caller:
        stub = EmbedderServiceStub(channel)

        def stream() -> list[str]:
            requests = (
                pb.EmbedStreamRequest(crop=pb.Crop(crop_id=str(n), image=image)) for n in range(CROPS)
            )
            found = []
            for answer in stub.EmbedStream(requests, timeout=PATIENCE_S):
                found.append(answer.result.crop_id)
                flowing.set()
            return found

        streamed = caller.submit(stream)
        assert flowing.wait(PATIENCE_S)
        asked = pb.EmbedRequest(crops=[pb.Crop(image=image)] * 4)
        calls = [stub.Embed.future(asked, timeout=PATIENCE_S) for _ in range(CALLS)]
        # one that was sent after those and is answered means that they were taken
        stub.GetServerInfo(pb.GetServerInfoRequest(), timeout=PATIENCE_S)
        process.terminate()
        assert streamed.result(PATIENCE_S) == [str(n) for n in range(CROPS)]
        assert [len(call.result().results) for call in calls] == [4] * CALLS
    assert process.wait(PATIENCE_S) == 0
    assert not health.serving(member.address)
