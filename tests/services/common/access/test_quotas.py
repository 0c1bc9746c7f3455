from __future__ import annotations

from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.common.access.caller import Caller
from services.common.access.message_fields import find
from services.common.access.quotas import BURST_S, Rates, check_count, check_sizes, is_image
from spotted.errors import OverloadedError, QuotaError
from spotted.v1 import access_pb2, embedder_pb2

EMBED = find(embedder_pb2.EmbedRequest.DESCRIPTOR, is_image)
# far smaller than what two neighbouring calls add to a bucket in these tests
EXACT = 1e-6


@dataclass
class Clock:
    """Seconds as a test sets them."""

    now_s: float = 100.0

    def __call__(self) -> float:
        return self.now_s


def caller(name: str = "t", **quota: float) -> Caller:
    return Caller(name, "wcs", access_pb2.ROLE_WRITE, (), access_pb2.Quota(**quota))  # type: ignore[arg-type] # fields by name


def taken(rates: Rates, one: Caller) -> bool:
    try:
        rates.take(one)
    except OverloadedError:
        return False
    return True


@pytest.mark.parametrize("rate", [0.1, 0.5, 1.0, 5.0, 1000.0])
def test_two_seconds_of_calls_come_at_once_and_one_more_does_not(rate: float) -> None:
    rates, one = Rates(clock=Clock()), caller(calls_per_second=rate)
    assert sum(taken(rates, one) for _ in range(5000)) == max(1, int(BURST_S * rate))


@pytest.mark.parametrize("rate", [0.25, 1.0, 8.0])
def test_in_the_long_run_as_many_come_as_the_rate_says(rate: float) -> None:
    clock = Clock()
    rates, one = Rates(clock=clock), caller(calls_per_second=rate)
    allowed, seconds = 0, 64
    for _ in range(seconds * 16):
        allowed += taken(rates, one)
        clock.now_s += 1 / 16
    # what the full bucket held, and what dripped in until the last call
    assert allowed == int(max(1.0, BURST_S * rate) + (seconds - 1 / 16) * rate)


@given(
    rate=st.floats(0.01, 1000.0),
    waits_s=st.lists(st.floats(0.0, 5.0), min_size=1, max_size=60),
)
def test_the_error_states_the_earliest_time_of_the_next_call(rate: float, waits_s: list[float]) -> None:
    clock = Clock()
    rates, one = Rates(clock=clock), caller(calls_per_second=rate)
    for wait_s in waits_s:
        try:
            rates.take(one)
        except OverloadedError as error:
            after_s = error.retry_after_s
            assert 0.0 < after_s <= 1.0 / rate * (1 + EXACT)
            clock.now_s += after_s * (1 - EXACT) - EXACT
            if after_s > 10 * EXACT:
                assert not taken(rates, one)
            clock.now_s += after_s * 2 * EXACT + 2 * EXACT
            assert taken(rates, one)
        clock.now_s += wait_s


def test_a_bucket_left_alone_is_full_and_no_fuller() -> None:
    clock = Clock()
    rates, one = Rates(clock=clock), caller(calls_per_second=3.0)
    while taken(rates, one):
        pass
    clock.now_s += 3600.0
    assert sum(taken(rates, one) for _ in range(100)) == 6


def test_each_token_has_a_bucket_of_its_own() -> None:
    rates = Rates(clock=Clock())
    first, second = caller("first", calls_per_second=1.0), caller("second", calls_per_second=1.0)
    while taken(rates, first):
        pass
    assert taken(rates, second)
    assert not taken(rates, first)


def test_no_rate_is_any_rate() -> None:
    rates = Rates(clock=Clock())
    assert all(taken(rates, caller()) for _ in range(10_000))


@pytest.mark.parametrize(("over", "fits"), [(-1, False), (0, True), (1, True)])
def test_a_message_may_be_as_large_as_the_token_allows(over: int, *, fits: bool) -> None:
    request = embedder_pb2.EmbedRequest(model_id="x" * 1000)
    one = caller(message_bytes=request.ByteSize() + over)
    if fits:
        check_sizes(one, request, EMBED)
    else:
        with pytest.raises(QuotaError, match=f"has {request.ByteSize()} bytes, this token allows"):
            check_sizes(one, request, EMBED)


@pytest.mark.parametrize(
    ("message", "bytes_"),
    [
        (embedder_pb2.AddReferenceImageRequest(image=b"x" * 9), 9),
        (embedder_pb2.EmbedStreamRequest(crop=embedder_pb2.Crop(image=b"x" * 9)), 9),
        (
            embedder_pb2.EmbedRequest(
                crops=[embedder_pb2.Crop(image=b"x"), embedder_pb2.Crop(image=b"x" * 9)]
            ),
            9,
        ),
    ],
    ids=["itself", "within", "the second of two"],
)
def test_an_image_may_be_as_large_as_the_token_allows_wherever_it_is(
    message: embedder_pb2.EmbedRequest, bytes_: int
) -> None:
    images = find(message.DESCRIPTOR, is_image)
    check_sizes(caller(image_bytes=bytes_), message, images)
    with pytest.raises(QuotaError, match=f"an image has {bytes_} bytes, this token allows {bytes_ - 1}"):
        check_sizes(caller(image_bytes=bytes_ - 1), message, images)


def test_no_size_is_any_size() -> None:
    check_sizes(caller(), embedder_pb2.EmbedRequest(model_id="x" * 100_000), EMBED)


def test_there_may_be_as_many_things_as_the_token_allows() -> None:
    check_count(3, 3, "surveys", "the organisation")
    check_count(10**9, 0, "surveys", "the organisation")
    with pytest.raises(QuotaError, match="the organisation would have 4 surveys, this token allows 3"):
        check_count(4, 3, "surveys", "the organisation")
