"""Problems of real processes, with their remedies."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
import redis
from click.testing import CliRunner
from prometheus_client import CollectorRegistry, Counter, Gauge, start_http_server

from services.common.store import keys
from services.common.store.store import Store
from spotted.cli import main
from spotted.local import diagnosis, processes
from spotted.local.log_lines import last_message
from tests.services import forked


@pytest.fixture
def run(tmp_path: Path) -> Iterator[processes.LocalRun]:
    """A store and a scorer, as `spotted up` leaves them."""
    (tmp_path / "run.json").write_text(json.dumps({"members": []}))
    store = processes.start_store(tmp_path, processes.free_port())
    processes.wait(store, tmp_path / "store.log")
    url = f"redis://{store.address}/0"
    scorer = forked.start_service("scorer", tmp_path, processes.free_port(), url, "", {"SPOTTED_LOG": "json"})
    processes.wait(scorer, tmp_path / "scorer.log")
    processes._write(made := processes.LocalRun(tmp_path, (store, scorer)))
    yield made
    processes.down(tmp_path)


def faults(run: processes.LocalRun) -> dict[str, diagnosis.Finding]:
    """Problems of processes, by role; the disk and memory of this machine are not tested."""
    return {found.role: found for found in diagnosis.of_run(run) if found.role != "machine"}


def status(run: processes.LocalRun, *options: str) -> tuple[int, str]:
    done = CliRunner().invoke(main, ["status", "--data", str(run.directory), *options])
    return done.exit_code, done.stdout


def test_nothing_is_wrong_then_the_service_ends_then_the_store(run: processes.LocalRun) -> None:
    assert faults(run) == {}
    store, scorer = run.members
    processes.end(scorer)
    found = faults(run)["scorer"]
    assert found.fault == "has ended; its log ends: stopped"
    assert "spotted up" in found.remedy
    code, out = status(run)
    assert code == 5
    assert "its log ends: stopped" in out
    processes.end(store)
    reported = json.loads(status(run, "--json")[1])
    assert {f["role"] for f in reported["findings"]} >= {"scorer", "store"}


def test_a_store_says_what_is_wrong_with_it(tmp_path: Path) -> None:
    store = processes.start_store(tmp_path, processes.free_port())
    processes.wait(store, tmp_path / "store.log")
    url = f"redis://{store.address}/0"
    asked = redis.Redis.from_url(url)
    asked.set(keys.VERSION, keys.STORE_VERSION)
    assert diagnosis.of_store(url) == []
    asked.config_set("maxmemory-policy", "allkeys-lru")
    asked.config_set("maxmemory", asked.info("memory")["used_memory"] + 1000)
    asked.config_set("appendonly", "no")
    asked.delete(keys.VERSION)
    reported = " | ".join(f"{found.fault}: {found.remedy}" for found in diagnosis.of_store(url))
    asked.close()
    processes.end(store)
    for words in ("append-only file", "drops keys", "of its limit of", "is empty"):
        assert words in reported


def test_the_version_is_looked_for_where_services_write_it(store: Store) -> None:
    assert diagnosis.STORE_VERSION_KEY == keys.VERSION
    assert diagnosis.of_store(store.url) == []


@pytest.fixture
def exposed() -> Iterator[tuple[str, CollectorRegistry]]:
    """Metrics that a test fills, and their address."""
    registry = CollectorRegistry()
    port = processes.free_port()
    server, thread = start_http_server(port, "127.0.0.1", registry)
    yield f"127.0.0.1:{port}", registry
    server.shutdown()
    server.server_close()
    thread.join()


def test_metrics_say_what_is_wrong(exposed: tuple[str, CollectorRegistry]) -> None:
    address, registry = exposed
    limit, depth = (Gauge(f"spotted_embed_queue_{n}", "n", registry=registry) for n in ("limit", "depth"))
    refused = Counter("spotted_embed_refused", "n", ("reason",), registry=registry)
    budget = Gauge("spotted_surveys_budget_bytes", "n", registry=registry)
    used = Gauge("spotted_surveys_bytes", "n", registry=registry)
    evicted = Counter("spotted_surveys_evicted", "n", registry=registry)
    restarts = Counter("spotted_planner_restarts", "n", registry=registry)
    limit.set(256)
    budget.set(100)
    assert diagnosis.of_metrics("x", address) == []
    depth.set(120)
    assert diagnosis.of_metrics("x", address) == []
    refused.labels("queue_full").inc(7)
    used.set(99)
    evicted.inc()
    restarts.inc(3)
    reported = [found.fault for found in diagnosis.of_metrics("x", address)]
    assert reported[0] == "has 120 images waiting, and refused 7 since it started"
    assert "full of surveys" in reported[1]
    assert reported[2] == "restarted its planning processes 3 times"
    code = CliRunner().invoke(main, ["status", "--metrics", address])
    assert code.exit_code == 0
    assert "120 images waiting" in code.stdout


def test_a_service_waits_for_its_store_and_says_so_here_and_at_its_health_port(tmp_path: Path) -> None:
    address, port = f"127.0.0.1:{processes.free_port()}", processes.free_port()
    url = f"redis://127.0.0.1:{port}"
    (silent,) = diagnosis.of_health(address)
    assert silent.fault == "does not answer"
    assert CliRunner().invoke(main, ["status", "--health", address]).exit_code == 5
    settings = {"SPOTTED_HEALTH_LISTEN": address}
    scorer = forked.start_service("scorer", tmp_path, processes.free_port(), url, "", settings)
    started = [scorer]
    try:
        while "waiting for the store" not in last_message(tmp_path / "scorer.log"):
            assert scorer.process() is not None
        wrong = diagnosis.of_store(url)
        (found, *_) = diagnosis.of_service(scorer, tmp_path, wrong)
        (elsewhere,) = diagnosis.of_health(address)
        started.append(processes.start_store(tmp_path, port))
        while not processes.answers(scorer):
            assert scorer.process() is not None
        assert diagnosis.of_health(address) == []
        assert "no problems found" in CliRunner().invoke(main, ["status", "--health", address]).stdout
    finally:
        for member in started:
            processes.end(member)
    assert "waiting for the store" in found.fault
    assert wrong[0].fault.startswith("does not answer")
    assert found.remedy.endswith(wrong[0].remedy)
    assert elsewhere.fault == "is running but does not accept calls"


def test_planners_that_end_repeatedly_are_reported_from_the_log(tmp_path: Path) -> None:
    member = processes.Member("sampler", 1, psutil.Process().pid, psutil.Process().create_time())
    line = "2026 sampler WARNING a planning process ended between two rounds; it is started anew\n"
    (tmp_path / "sampler.log").write_text(2 * line)
    reported = [found.fault for found in diagnosis.of_service(member, tmp_path, [])]
    assert not [fault for fault in reported if fault.startswith("its planning")]
    (tmp_path / "sampler.log").write_text(3 * line)
    reported = [found.fault for found in diagnosis.of_service(member, tmp_path, [])]
    assert reported[1] == "restarted its planning processes 3 times"


def test_a_full_disk_and_little_memory_are_reported_and_others_are_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(diagnosis, "LEAST_FREE_BYTES", 0)
    monkeypatch.setattr(diagnosis, "NEARLY_FULL", 1.0)
    assert diagnosis.of_disk(tmp_path) == diagnosis.of_memory() == []
    monkeypatch.setattr(diagnosis, "LEAST_FREE_BYTES", 2**80)
    monkeypatch.setattr(diagnosis, "LEAST_FREE_SHARE", 1.0)
    monkeypatch.setattr(diagnosis, "NEARLY_FULL", 0.0)
    assert "GiB left" in diagnosis.of_disk(tmp_path)[0].fault
    assert "GiB of memory left" in diagnosis.of_memory()[0].fault
