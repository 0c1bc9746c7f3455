from __future__ import annotations

from dataclasses import replace

from spotted.training.runs.card import write_card
from tests.spotted.training.runs.test_manifest import METRICS, RUN


def test_a_card_says_what_was_learnt_and_measured() -> None:
    card = write_card(
        replace(RUN, photographs=1200, individuals=40, species=("lion",), start_metrics=METRICS)
    )
    assert "1,200 photographs of 40 animals or flanks: lion." in card
    assert "| lion | 20 | 5 | 18 | 0.500 | 0.750 | 1.000 | 1.000 | 0.400 |" in card
    assert "| lion (before the training) | 20 |" in card
    assert "| epochs | 3 |" in card
    assert "NOASSERTION: not stated; ask whoever gave the photographs" in card


def test_a_card_says_what_was_not_measured() -> None:
    card = write_card(replace(RUN, metrics=(), licence="CC0-1.0"))
    assert "no photographs were left to test with" in card
    assert "| licence of the weights | CC0-1.0 |" in card


def test_a_card_warns_of_a_training_that_did_not_gain() -> None:
    better = tuple(replace(one, top={**one.top, "1": one.top["1"] - 0.1}) for one in METRICS)
    assert replace(RUN, metrics=METRICS, start_metrics=better).worse_on == ()
    equal = replace(RUN, metrics=METRICS, start_metrics=METRICS)
    assert equal.worse_on == tuple(one.species for one in METRICS)
    assert "first no more often than before the training: use the network that it started" in write_card(
        equal
    )
