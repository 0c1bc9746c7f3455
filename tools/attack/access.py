"""Tokens that are revoked while a stream of theirs is open."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from typing import Any

import grpc
import numpy as np

from services.common.access.tokens import Tokens
from spotted import messages
from spotted.client import Spotted
from spotted.client.survey_messages import spec_message
from spotted.survey import Detection
from spotted.v1 import embedder_pb2, scorer_pb2
from tools.attack.bystanders import DIMENSION, SPEC, fill
from tools.attack.outcomes import BreachError
from tools.attack.site import CALL_S, Site

SURVEY, FEW = "revoked", 4
# what the docs promise, and what a busy machine may take on top of it
PROMISED_S, SLACK_S = 5.0, 5.0
POLL_S = 0.05


def revoke_within_streams(site: Site) -> str:
    """Revoke a token with a stream that writes and one that is silent; both must end and store nothing."""
    owner = site.token("revoked")[1]
    token_id, token = site.token("revoked")
    gone = threading.Event()
    with site.client(owner) as client, site.client(token) as thief:
        fill(client, SURVEY, detections=FEW)
        writing = thief.connection.scorer.stub.AddDetections.future(_blocks(gone), timeout=CALL_S)
        silent = thief.connection.embedder.stub.EmbedStream(_nothing(gone), timeout=CALL_S)
        _wait_for_first_block(client)
        store = site.store()
        Tokens(store).revoke(token_id)
        store.close()
        begun_s = time.monotonic()
        codes = [_end(silent)]
        seconds = time.monotonic() - begun_s
        # each service knows a token for a while of its own; after the promised time none accepts a message
        time.sleep(max(0.0, begun_s + PROMISED_S - time.monotonic()))
        gone.set()
        codes.append(_code(writing.exception(CALL_S)))
        stored = sorted(d.detection_id for d in client.survey(SURVEY).detections())
    if set(codes) != {grpc.StatusCode.UNAUTHENTICATED}:
        raise BreachError(f"streams of a revoked token ended {codes}")
    if seconds > PROMISED_S + SLACK_S:
        raise BreachError(f"a stream of a revoked token was open for {seconds:.1f} s")
    if any(name.startswith("after") for name in stored):
        raise BreachError(f"a revoked token stored {stored}")
    return f"2 streams: UNAUTHENTICATED within {seconds:.1f} s, nothing stored after it"


def _blocks(gone: threading.Event) -> Iterator[scorer_pb2.AddDetectionsRequest]:
    yield _block("before")
    gone.wait(CALL_S)
    yield _block("after")


def _block(detection_id: str) -> scorer_pb2.AddDetectionsRequest:
    return scorer_pb2.AddDetectionsRequest(
        survey_id=SURVEY,
        spec=spec_message(SPEC),
        detections=[messages.detection_message(Detection(detection_id, "c0", 10.0))],
        embeddings=messages.tensor(np.ones((1, DIMENSION), dtype=np.float32)),
    )


def _nothing(gone: threading.Event) -> Iterator[embedder_pb2.EmbedStreamRequest]:
    gone.wait(CALL_S)
    yield from ()


def _wait_for_first_block(client: Spotted) -> None:
    ends_s = time.monotonic() + CALL_S
    while "before" not in {d.detection_id for d in client.survey(SURVEY).detections()}:
        if time.monotonic() > ends_s:
            raise BreachError(f"a stream with a valid token stored nothing within {CALL_S:.0f} s")
        time.sleep(POLL_S)


def _end(answers: Iterator[object]) -> grpc.StatusCode | None:
    """The status of a stream of answers; None if it ended well."""
    try:
        for _ in answers:
            pass
    except grpc.RpcError as error:
        return _code(error)
    return None


def _code(error: BaseException | None) -> grpc.StatusCode | None:
    # gRPC types neither its errors nor its futures
    code: Any = getattr(error, "code", None)
    return code() if code is not None else None
