from __future__ import annotations

import asyncio
import json
import math
import random
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable

import grpc
import numpy as np
import pytest
from grpc import aio
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.common.report import RESULTS
from benchmarks.load.access import Access, Call, Lines, Targets, metadata
from benchmarks.load.figures import highest, latency_ms, p99_by_tenth
from benchmarks.load.mix import CLASS_OF, CLASSES, SHARES, Mix, Plan
from benchmarks.load.ratio import quartiles
from benchmarks.load.surveys import DIMENSION, SMALLEST, LoadSurvey, popularity, sizes
from benchmarks.load.traffic import ATTEMPTS, Outcome, attempted, offer
from benchmarks.load.watch import Reading, Watch, growth
from tests.waiting import PATIENCE_S


async def _nothing() -> None:
    pass


def _offered(draw: Callable[[], Call], per_s: float, seconds: float) -> list[Outcome]:
    return asyncio.run(
        offer(
            draw,
            per_s=per_s,
            seconds=seconds,
            chance=random.Random(1),  # noqa: S311 - the same times in every run
            stopped=lambda: False,
            tell=lambda _: None,
        )
    )


def _outcome(due_s: float = 0.0, took_s: float = 0.0, name: str = "NextPairs", error: str = "") -> Outcome:
    return Outcome(name, due_s, took_s, error, 0)


def _survey(number: int) -> LoadSurvey:
    ids = [f"D{i:05d}" for i in range(SMALLEST)]
    looks = np.ones((4, DIMENSION), np.float32)
    return LoadSurvey(f"load-{number:03d}", ids, [0] * SMALLEST, ["CAM01"], 0.0, 1000.0, looks)


def test_calls_come_by_a_poisson_process_whatever_their_answers_do() -> None:
    dues_s = sorted(outcome.due_s for outcome in _offered(lambda: Call("NextPairs", _nothing), 2000.0, 0.5))
    # a count of mean 1,000 lies within five standard deviations of it
    assert abs(len(dues_s) - 1000) < 5 * math.sqrt(1000)
    gaps_s = np.diff(dues_s)
    assert float(gaps_s.std() / gaps_s.mean()) == pytest.approx(1.0, abs=0.15)


def test_a_call_that_was_held_back_counts_from_when_it_was_due() -> None:
    stalls = iter([0.1])

    async def work() -> None:
        until_s = time.perf_counter() + next(stalls, 0.0)
        while time.perf_counter() < until_s:
            pass

    outcomes = sorted(_offered(lambda: Call("NextPairs", work), 500.0, 0.2), key=lambda o: o.due_s)
    stalled_until_s = outcomes[0].due_s + 0.1
    held_back = [outcome for outcome in outcomes[1:] if outcome.due_s < stalled_until_s]
    assert len(held_back) > 10
    assert all(outcome.due_s + outcome.took_s >= stalled_until_s for outcome in held_back)


def _failure(code: grpc.StatusCode) -> aio.AioRpcError:
    return aio.AioRpcError(code, aio.Metadata(), aio.Metadata(), details="gone")


@pytest.mark.parametrize(
    ("codes", "error", "retries"),
    [
        ([], "", 0),
        ([grpc.StatusCode.UNAVAILABLE], "", 1),
        ([grpc.StatusCode.INTERNAL], "INTERNAL / -: gone", 0),
    ],
)
def test_a_client_repeats_a_call_that_ends_unavailable_and_no_other(
    codes: list[grpc.StatusCode], error: str, retries: int
) -> None:
    left, done = list(codes), []

    async def work() -> None:
        if left:
            raise _failure(left.pop())

    call = Call("NextPairs", work, lambda: done.append("done"))
    assert asyncio.run(attempted(call)) == (error, retries)
    assert done == ["done"]


def test_the_last_attempt_of_a_client_is_no_retry_more() -> None:
    tried: Counter[str] = Counter()

    async def work() -> None:
        tried["calls"] += 1
        raise _failure(grpc.StatusCode.UNAVAILABLE)

    async def all_attempts() -> tuple[str, int]:
        return await attempted(Call("NextPairs", work), first_backoff_s=0.0)

    error, retries = asyncio.run(all_attempts())
    assert tried["calls"] == ATTEMPTS == retries + 1
    assert error.startswith("UNAVAILABLE")


@given(st.floats(0.5, 5000.0), st.floats(0.5, 5000.0))
def test_the_highest_rate_lies_one_step_at_most_below_the_true_one(true: float, first: float) -> None:
    tried: list[float] = []

    def passes(per_s: float) -> bool:
        tried.append(per_s)
        return per_s <= true

    found = highest(passes, first, factor=1.5, halvings=2)
    if found:
        # a factor of 1.5 halved twice
        assert found in tried
        assert found <= true <= found * 1.5**0.25 * (1 + 1e-9)
    else:
        assert true < first / 1.5**5 * (1 + 1e-9)


def test_openings_count_for_themselves_and_failures_not_at_all() -> None:
    found = latency_ms(
        [
            _outcome(took_s=0.010),
            _outcome(took_s=0.030, name="Embed"),
            _outcome(took_s=5.0, name="OpenSession"),
            _outcome(took_s=9.0, error="INTERNAL / -: gone"),
        ]
    )
    assert found["all"]["max"] == 30.0
    assert found["all"]["calls"] == 2
    assert found["openings"]["p50"] == 5000.0
    assert found["sessions"]["p99.9"] == 10.0


def test_each_tenth_of_the_time_has_its_own_percentile() -> None:
    outcomes = [_outcome(due_s=tenth + 0.5, took_s=(tenth + 1) / 1000) for tenth in range(10)]
    assert p99_by_tenth(outcomes, 10.0) == pytest.approx(list(range(1, 11)))


def test_growth_compares_the_last_tenth_with_the_one_after_the_warm_up() -> None:
    warming_up = [50.0] * 10
    assert growth([*warming_up, *[100.0] * 80, *[103.0] * 10]) == pytest.approx(0.03)
    assert growth([100.0] * 5) is None


def test_one_high_reading_is_no_growth() -> None:
    assert growth([100.0] * 99 + [500.0]) == 0.0


def test_a_restarted_process_loses_no_processor_time_and_gains_none() -> None:
    watch = Watch(dict)
    seconds_of_processor = [(0.0, 100.0, 1), (1.0, 100.5, 1), (2.0, 0.0, 2), (3.0, 0.5, 2)]
    watch.readings["scorer-1"] = [Reading(at_s, 1.0, cpu_s, pid) for at_s, cpu_s, pid in seconds_of_processor]
    assert watch.cores_used()["scorer-1"] == pytest.approx(1.0 / 3.0)


def test_the_most_popular_survey_is_asked_n_times_as_often_as_the_nth() -> None:
    chances = popularity(200)
    assert chances.sum() == pytest.approx(1.0)
    assert chances[0] / chances[49] == pytest.approx(50.0)


def test_sizes_span_the_range_and_do_not_follow_popularity() -> None:
    found = sizes(200, 2000)
    assert (min(found), max(found)) == (SMALLEST, 2000)
    assert abs(float(np.corrcoef(found, range(200))[0, 1])) < 0.2


def test_the_mix_is_80_candidates_15_sessions_and_5_imports() -> None:
    async def drawn() -> list[str]:
        here = "ipv4:127.0.0.1:1"
        lines = Lines(Targets(here, here, here), Access())
        # one survey with sessions, none open: only the other parts can be drawn
        mix = Mix(lines, Plan([_survey(i) for i in range(4)], 1, [b"crop"]))
        names = [mix.draw(part).name for part in SHARES if part != "sessions"]
        await lines.close()
        return names

    assert asyncio.run(drawn()) == [part for part in SHARES if part != "sessions"]
    shares = {kind: sum(SHARES.get(name, 0) for name in names) for kind, names in CLASSES.items()}
    assert (shares["candidates"], SHARES["sessions"], shares["imports"]) == (80, 15, 5)
    assert set(SHARES) - {"sessions"} <= set(CLASS_OF)


def test_a_token_goes_with_every_call_and_its_absence_sends_nothing() -> None:
    assert metadata(Access(token="spotted_a_b")) == (("authorization", "Bearer spotted_a_b"),)  # noqa: S106 - no real one
    assert metadata(Access()) == ()


def test_quartiles_of_ratios_are_those_of_their_halves() -> None:
    assert quartiles([4.0, 1.0, 3.0, 2.0, 5.0]) == (3.0, 2.0, 4.0)


@pytest.mark.slow
def test_the_smoke_run_serves_the_mix_and_no_call_fails() -> None:
    path = RESULTS / "load-quick.json"
    path.unlink(missing_ok=True)
    lengths = ["--warm-up-minutes", "0.04", "--soak-minutes", "0.1"]
    command = [sys.executable, "-m", "benchmarks.load", "--quick", "--rate", "30", *lengths]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=PATIENCE_S)
    assert done.returncode == 0, done.stdout + done.stderr
    written = json.loads(path.read_text(encoding="utf-8"))
    warm, soaked = written["warm_up"], written["soak"]
    assert written["unary_per_s"] > 0
    assert warm["per_s"] == soaked["per_s"]
    assert warm["seconds"] < soaked["seconds"]
    assert warm["readings"].keys() == soaked["readings"].keys()
    assert soaked["errors"] == {}
    assert set(soaked["latency_ms"]) >= {"all", "candidates", "sessions", "imports"}
    assert soaked["rss_mib"].keys() >= {
        "store",
        "embedder-1",
        "embedder-2",
        "scorer-2",
        "sampler-2",
        "client-1",
    }
    # round robin: both scorers work
    assert min(soaked["cores_used"]["scorer-1"], soaked["cores_used"]["scorer-2"]) > 0
