from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.common.session import round_messages
from spotted.sampling.rounds import PairQuery, Round
from spotted.v1 import sampler_pb2 as pb

floats = st.floats(allow_nan=False, width=32)
pairs = st.tuples(st.integers(0, 2**31 - 1), st.integers(0, 2**31 - 1))


@st.composite
def rounds(draw: st.DrawFn) -> Round:
    terms = st.tuples(*[floats] * draw(st.integers(0, 3)))
    queries = st.builds(
        lambda pair, *rest: PairQuery(*pair, *rest),
        pairs,
        st.text(max_size=3),
        floats,
        terms,
        st.booleans(),
    )
    asked = tuple(draw(st.lists(queries, max_size=8)))
    return Round(
        draw(st.integers(1, 1000)),
        draw(st.sampled_from(["greedy", "learned"])),
        asked,
        draw(st.none() | st.floats(0, 1)),
        draw(st.none() | st.integers(0, 1000)),
        beside=tuple(draw(st.lists(queries, max_size=4))),
    )


@settings(deadline=None)
@given(rounds())
def test_a_round_is_read_as_it_was_written_and_through_the_wire(planned: Round) -> None:
    message = pb.PlannedRound(survey_revision=4)
    round_messages.write(planned, message)
    assert round_messages.read(message) == planned
    assert round_messages.read(pb.PlannedRound.FromString(message.SerializeToString())) == planned
    assert message.survey_revision == 4


@settings(deadline=None)
@given(rounds())
def test_each_reason_is_written_once_in_the_order_of_its_first_pair(planned: Round) -> None:
    message = pb.PlannedRound()
    round_messages.write(planned, message)
    assert list(message.reasons) == list(
        dict.fromkeys(query.reason for query in (*planned.pairs, *planned.beside))
    )


@settings(deadline=None)
@given(rounds().filter(lambda planned: planned.pairs))
def test_the_best_score_is_that_of_the_first_pair(planned: Round) -> None:
    message = pb.PlannedRound()
    round_messages.write(planned, message)
    assert round_messages.best_score(message) == planned.pairs[0].score


def test_columns_are_little_endian_and_of_one_length() -> None:
    message = pb.PlannedRound()
    queries = PairQuery(1, 258, "a", 0.5, (1.0, 2.0)), PairQuery(0, 3, "b", 0.25, (3.0, 4.0))
    round_messages.write(Round(1, "learned", queries), message)
    assert message.first == bytes([1, 0, 0, 0, 0, 0, 0, 0])
    assert message.second == bytes([2, 1, 0, 0, 3, 0, 0, 0])
    assert message.scores == np.array([0.5, 0.25], "<f4").tobytes()
    assert message.reason_of == bytes([0, 0, 1, 0])
    assert message.terms == np.array([1, 2, 3, 4], "<f4").tobytes()


def test_a_round_without_pairs_says_that_nothing_is_left() -> None:
    message = pb.PlannedRound()
    round_messages.write(Round(3, "greedy", ()), message)
    assert round_messages.read(message) == Round(3, "greedy", ())
    assert (message.HasField("eps"), message.HasField("renew_after")) == (False, False)


def test_scores_are_kept_to_seven_digits() -> None:
    message = pb.PlannedRound()
    round_messages.write(Round(1, "learned", (PairQuery(0, 1, "", 0.1, (0.2,)),)), message)
    (query,) = round_messages.read(message).pairs
    assert (query.score, *query.terms) == pytest.approx((0.1, 0.2), rel=1e-7)


@given(st.lists(pairs))
def test_columns_of_pairs_are_read_as_they_were_written(listed: list[tuple[int, int]]) -> None:
    assert round_messages.read_pairs(*round_messages.pair_columns(listed)) == listed


def test_columns_of_two_lengths_are_no_pairs() -> None:
    with pytest.raises(ValueError, match="shorter"):
        round_messages.read_pairs(bytes(8), bytes(4))
