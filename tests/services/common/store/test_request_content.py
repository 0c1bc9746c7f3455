from __future__ import annotations

import contextvars

import pytest

from services.common.store import request_content
from services.common.store.request_content import NO_REQUEST, KeptAnswer, digest, first_answer, keep
from spotted.errors import DamagedError, RequestIdReusedError
from spotted.v1 import scorer_pb2


def deletion(*detection_ids: str, request_id: str = "r") -> scorer_pb2.DeleteDetectionsRequest:
    return scorer_pb2.DeleteDetectionsRequest(
        survey_id="s", detection_ids=detection_ids, request_id=request_id
    )


def test_the_content_is_what_is_asked_for_and_not_the_id_of_the_request() -> None:
    assert digest(deletion("a", "b")) == digest(deletion("a", "b", request_id="another"))
    assert digest(deletion("a", "b")) != digest(deletion("b", "a"))
    assert digest(deletion("a")) != digest(deletion("a", "a"))


def test_a_field_of_a_later_contract_is_content() -> None:
    later = type(deletion()).FromString(deletion("a").SerializeToString() + b"\xc0\x3e\x01")
    assert digest(later) != digest(deletion("a"))


def test_a_kept_answer_is_for_its_own_request_only() -> None:
    content = digest(deletion("a"))
    kept = KeptAnswer(content, b"answer\0of any bytes")
    assert KeptAnswer.read("request", kept.stored("request")) == kept
    assert kept.to(content, "r") == b"answer\0of any bytes"
    with pytest.raises(RequestIdReusedError, match="request_id 'r' was used before") as caught:
        kept.to(digest(deletion("b")), "r")
    assert caught.value.metadata == {"first_content": content, "sent_content": digest(deletion("b"))}


def test_a_damaged_answer_is_refused_with_the_remedy() -> None:
    kept = KeptAnswer(NO_REQUEST, b"answer").stored("request")
    for damaged in (kept[:-1], b"x" + kept[1:], b""):
        with pytest.raises(DamagedError, match="repeat the call with another request id if it is missing"):
            KeptAnswer.read("request", damaged)
    with pytest.raises(DamagedError):
        KeptAnswer.read("another request", kept)


def test_a_context_serves_the_request_that_it_entered() -> None:
    def serve(request: scorer_pb2.DeleteDetectionsRequest) -> bytes:
        request_content.enter(request)
        return keep("request", b"answer")

    kept = contextvars.copy_context().run(serve, deletion("a"))
    assert kept == KeptAnswer(digest(deletion("a")), b"answer").stored("request")
    assert request_content.current() == NO_REQUEST
    with pytest.raises(RequestIdReusedError):
        first_answer("request", kept, "r")


def test_a_request_without_an_id_is_not_noted() -> None:
    def entered(request: scorer_pb2.DeleteDetectionsRequest) -> str:
        request_content.enter(request)
        return request_content.current()

    assert contextvars.copy_context().run(entered, deletion("a", request_id="")) == NO_REQUEST
