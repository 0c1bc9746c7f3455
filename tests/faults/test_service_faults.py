"""Services and the ways between them that fail: nothing acknowledged is lost, and errors say what to do."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest

from spotted.client.calls import our_errors
from spotted.errors import DeadlineError, UnavailableError
from spotted.v1 import sampler_pb2
from tests.faults.deployment import Deployment, Service, StoreProcess, end
from tests.faults.load import SESSION, Load, no_traces
from tests.faults.proxy import Proxy, Weather
from tests.waiting import PATIENCE_S, until

pytestmark = pytest.mark.slow

STEPS = 25
OTHER = "other"


@dataclass
class Site:
    """Two replicas of the scorer and of the sampler; the samplers reach the scorers through the proxy."""

    store: StoreProcess
    scorers: list[Service]
    samplers: list[Service]
    to_scorer: Proxy

    def load(self) -> Load:
        """Writers who know both replicas of each service."""
        return Load(both(self.scorers), both(self.samplers))


def both(replicas: list[Service]) -> str:
    """The target of all replicas, as a client writes it."""
    return "ipv4:" + ",".join(replica.address for replica in replicas)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with Deployment(tmp_path_factory.mktemp("site")) as deployment:
        store = deployment.store()
        scorers = [deployment.service("scorer", store.url) for _ in range(2)]
        with Proxy(scorers[0].address) as proxy:
            samplers = [deployment.service("sampler", store.url, proxy.address) for _ in range(2)]
            yield Site(store, scorers, samplers, proxy)


def test_a_rolling_restart_of_all_replicas_fails_no_call(site: Site) -> None:
    load = site.load()
    load.begin()
    with load.running():
        for service in (*site.scorers, *site.samplers):
            load.until_written(STEPS)
            service.stop()
            load.until_written(STEPS)
            service.start()
    assert load.errors == []
    load.check()
    assert no_traces(*site.scorers, *site.samplers)
    load.close()


def test_replicas_killed_one_after_the_other_lose_and_double_nothing(site: Site) -> None:
    load = site.load()
    load.begin()
    with load.running():
        for service in (*site.scorers, *site.samplers):
            load.until_written(STEPS)
            service.kill()
            load.until_written(STEPS)
            service.start()
    load.check()
    load.close()


def test_a_lossy_way_to_the_client_fails_no_call(site: Site) -> None:
    with Proxy(site.scorers[0].address) as scorer, Proxy(site.samplers[0].address) as sampler:
        load = Load(scorer.address, sampler.address)
        load.begin()
        with load.running():
            scorer.weather = sampler.weather = Weather(lost_share=0.2, resent_s=0.3)
            load.until_written(STEPS)
        assert load.errors == []
        load.check()
        load.close()


def test_connections_of_clients_that_are_reset_lose_and_double_nothing(site: Site) -> None:
    with Proxy(site.scorers[0].address) as scorer, Proxy(site.samplers[0].address) as sampler:
        load = Load(scorer.address, sampler.address)
        load.begin()
        with load.running():
            for _ in range(5):
                scorer.reset()
                sampler.reset()
                load.until_written(5)
        load.check()
        load.close()


def test_without_the_scorer_labels_are_taken_and_plans_are_refused_with_a_message(site: Site) -> None:
    load = site.load()
    load.begin()
    begin_other(load)
    site.to_scorer.refuse()
    load.label(0, 1)
    with pytest.raises(UnavailableError, match=r"nothing answers at .*start it"):
        plan(load)
    site.to_scorer.accept()
    until(lambda: plans(load), "a plan")
    load.check()
    load.close()


def test_a_planning_process_that_is_killed_is_restarted(site: Site) -> None:
    load = Load(site.scorers[0].address, site.samplers[0].address)
    load.begin()
    planners = [p for p in site.samplers[0].process().children() if "spawn_main" in " ".join(p.cmdline())]
    assert planners
    begin_other(load)
    site.to_scorer.weather = Weather(delay_s=0.3)
    refused: list[UnavailableError] = []
    asking = threading.Thread(target=lambda: refused.extend(refusals(load)))
    asking.start()
    for planner in planners:
        end(planner)
    asking.join()
    site.to_scorer.weather = Weather()
    for error in refused:
        assert "ask again" in str(error)
    until(lambda: plans(load), "a plan of the restarted process")
    load.check()
    load.close()


def refusals(load: Load) -> list[UnavailableError]:
    try:
        plan(load)
    except UnavailableError as error:
        return [error]
    return []


def plans(load: Load) -> bool:
    return not refusals(load)


def begin_other(load: Load) -> None:
    """Open another session, without a round yet."""
    session = sampler_pb2.Session(survey_id=load.survey_id, session_id=OTHER, seed=2)
    session.strategy.strategy_id = "greedy"
    create = sampler_pb2.CreateSessionRequest(session=session, request_id=OTHER)
    load.client.connection.sampler.stub.CreateSession(create, timeout=PATIENCE_S)


def plan(load: Load) -> None:
    """The first question of the other session, which needs a plan."""
    ask = sampler_pb2.NextPairsRequest(
        survey_id=load.survey_id, session_id=OTHER, annotator_id="ben", count=1
    )
    with our_errors("the sampler"):
        assert load.client.connection.sampler.stub.NextPairs(ask, timeout=PATIENCE_S).pairs


def test_a_call_into_a_way_that_went_silent_ends_at_its_deadline(site: Site) -> None:
    with Proxy(site.samplers[0].address) as sampler:
        load = Load(site.scorers[0].address, sampler.address)
        load.begin()
        sampler.weather = Weather(silent=True)
        ask = sampler_pb2.GetProgressRequest(survey_id=load.survey_id, session_id=SESSION)
        with pytest.raises(DeadlineError), our_errors(sampler.address):
            load.client.connection.sampler.stub.GetProgress(ask, timeout=1)
        sampler.weather = Weather()
        sampler.reset()
        assert load.client.connection.sampler.stub.GetProgress(ask, timeout=PATIENCE_S).HasField("progress")
        load.close()


def test_no_process_of_a_killed_sampler_is_left(tmp_path: Path) -> None:
    with Deployment(tmp_path) as deployment:
        store = deployment.store()
        scorer = deployment.service("scorer", store.url)
        sampler = deployment.service("sampler", store.url, scorer.address)
        load = Load(scorer.address, sampler.address)
        load.begin()
        load.close()
        children = sampler.process().children(recursive=True)
        assert children
        sampler.kill()
        _, alive = psutil.wait_procs(children, timeout=PATIENCE_S)
        assert not alive
