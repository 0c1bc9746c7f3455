"""What is wrong with a run of Spotted, in words, each with its remedy."""

from __future__ import annotations

import json
import shutil
import urllib.request
from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import grpc
import psutil
import redis
from grpc_health.v1 import health_pb2, health_pb2_grpc
from prometheus_client.parser import text_string_to_metric_families

from spotted.local import processes

TIMEOUT_S = 2.0
# below either, an append-only file that is rewritten may fill the disk
LEAST_FREE_SHARE, LEAST_FREE_BYTES = 0.05, 2 * 1024**3
NEARLY_FULL = 0.9
# one survey may fill half of the queue alone, and what is at work waits no longer
MUCH_WAITS = 0.25
# planners that end again and again rather than once
MANY_RESTARTS = 3
LAST_LINES = 200
STORE_VERSION_KEY = "spotted:version"
METRICS_LISTEN = "SPOTTED_METRICS_LISTEN"
GIB = 1024.0**3


@dataclass(frozen=True, slots=True)
class Finding:
    """What is wrong, with which process or machine, and what to do about it."""

    role: str
    fault: str
    remedy: str


def of_run(run: processes.LocalRun) -> list[Finding]:
    """What is wrong with the processes of a directory, what they need and what they tell."""
    findings = [*of_disk(run.directory), *of_memory()]
    store = run.member("store")
    of_its_store = of_store(run.store_url) if store and store.process() else []
    for member in run.members:
        findings += of_store_process(member, run) if member.role == "store" else []
        findings += [] if member.role == "store" else of_service(member, run.directory, of_its_store)
    return [*findings, *of_its_store]


def of_store_process(member: processes.Member, run: processes.LocalRun) -> list[Finding]:
    """Whether the store's process lives."""
    return [_ended(member, run.directory)] if member.process() is None else []


def of_service(member: processes.Member, directory: Path, of_its_store: list[Finding]) -> list[Finding]:
    """What is wrong with a service of this machine, as its health, its log and its metrics have it."""
    process = member.process()
    if process is None:
        return [_ended(member, directory)]
    findings = []
    if not processes.answers(member):
        remedy = f"wait a moment; if it lasts, see {directory / member.role}.log"
        if of_its_store:
            remedy = f"first this: {of_its_store[0].remedy}"
        last = last_line(directory / f"{member.role}.log")
        findings.append(Finding(member.role, f"runs, but does not serve; its log ends: {last}", remedy))
    died = sum("a planning process ended" in line for line in _lines(directory / f"{member.role}.log"))
    if died >= MANY_RESTARTS:
        findings.append(_planners(member.role, died))
    with suppress(psutil.Error, OSError):
        listen = process.environ().get(METRICS_LISTEN, "")
        findings += of_metrics(member.role, listen) if listen and not died else []
    return findings


def of_store(url: str) -> list[Finding]:
    """What is wrong with a store that is asked itself."""
    with closing(
        redis.Redis.from_url(url, socket_timeout=TIMEOUT_S, socket_connect_timeout=TIMEOUT_S)
    ) as asked:
        try:
            told = cast("dict[str, object]", asked.info("everything"))
            version = cast("bytes | None", asked.get(STORE_VERSION_KEY))
        except redis.RedisError as error:
            return [
                Finding("store", f"does not answer ({error})", "see store.log; `spotted up` starts it again")
            ]
    return [Finding("store", fault, remedy) for fault, remedy in _of_info(told, version)]


def _of_info(told: Mapping[str, object], version: bytes | None) -> Iterator[tuple[str, str]]:
    def count(name: str) -> float:
        return float(str(told.get(name, 0)))

    if not count("aof_enabled"):
        yield (
            "keeps no append-only file, so a restart loses labels",
            "set `appendonly yes` in its configuration",
        )
    if told.get("aof_last_write_status", "ok") != "ok":
        yield "cannot write to its disk, and takes no writes", "make room on its disk, and see store.log"
    if told.get("aof_last_bgrewrite_status", "ok") != "ok":
        yield "could not rewrite its append-only file", "make room on its disk; it tries again by itself"
    if told.get("role") == "slave":
        yield "is a replica and takes no writes", "point SPOTTED_STORE_URL at the primary"
    if told.get("maxmemory_policy", "noeviction") != "noeviction":
        yield "drops keys when its memory is full", "set `maxmemory-policy noeviction`"
    most = count("maxmemory")
    if most and count("used_memory") > NEARLY_FULL * most:
        used, may = count("used_memory") / GIB, most / GIB
        yield (
            f"uses {used:.1f} of the {may:.1f} GiB that it may, and refuses writes beyond",
            "give it more (`maxmemory`), or delete surveys that are done",
        )
    if count("maxclients") and count("connected_clients") > NEARLY_FULL * count("maxclients"):
        yield "has nearly as many connections as it may", "raise its `maxclients`"
    if version is None:
        yield (
            "is empty: no service has opened it yet",
            "wait for the services; if data is missing, restore it",
        )


def of_health(address: str) -> list[Finding]:
    """What a service says at a health port, which needs neither token nor TLS."""
    answers = {name: _health(address, name) for name in ("liveness", "readiness")}
    if "nothing answers" in answers.values():
        return [Finding(address, "nothing answers there", "start the service, or correct the address")]
    if answers["readiness"] != "SERVING":
        remedy = "see its log: most likely it waits for the store, or drains"
        return [Finding(address, "lives, but takes no calls", remedy)]
    return []


def _health(address: str, service: str) -> str:
    with grpc.insecure_channel(address) as channel:
        try:
            check = health_pb2_grpc.HealthStub(channel).Check  # type: ignore[attr-defined] # not in the stubs
            answer = check(health_pb2.HealthCheckRequest(service=service), timeout=TIMEOUT_S)
        except grpc.RpcError:
            return "nothing answers"
    return str(health_pb2.HealthCheckResponse.ServingStatus.Name(answer.status))


def of_metrics(role: str, address: str) -> list[Finding]:
    """What is wrong with a service by its own metrics. address: host:port of them."""
    try:
        with urllib.request.urlopen(f"http://{address}/metrics", timeout=TIMEOUT_S) as answer:
            text = answer.read().decode()
    except OSError as error:
        return [Finding(role, f"tells no metrics at {address} ({error})", f"correct {METRICS_LISTEN}")]
    totals: defaultdict[str, float] = defaultdict(float)
    for metric in text_string_to_metric_families(text):
        for sample in metric.samples:
            totals[sample.name] += sample.value
    return list(_of_totals(role, totals))


def _of_totals(role: str, totals: Mapping[str, float]) -> Iterator[Finding]:
    limit, depth = totals["spotted_embed_queue_limit"], totals["spotted_embed_queue_depth"]
    refused = totals["spotted_embed_refused_total"]
    if refused and depth > MUCH_WAITS * limit:
        yield Finding(
            role,
            f"{depth:.0f} images wait, and {refused:.0f} were refused since it started",
            "send fewer at once, or start another embedder",
        )
    budget, used = totals["spotted_surveys_budget_bytes"], totals["spotted_surveys_bytes"]
    if budget and totals["spotted_surveys_evicted_total"] and used > NEARLY_FULL * budget:
        yield Finding(
            role,
            f"surveys fill its {budget / GIB:.1f} GiB, and some are read again whenever they are asked for",
            "raise SPOTTED_MEMORY_MIB, or start another scorer",
        )
    if totals["spotted_planner_restarts_total"] >= MANY_RESTARTS:
        yield _planners(role, int(totals["spotted_planner_restarts_total"]))


def of_disk(directory: Path) -> list[Finding]:
    """Whether the disk of the append-only file is almost full."""
    usage = shutil.disk_usage(directory)
    if usage.free >= min(LEAST_FREE_BYTES, LEAST_FREE_SHARE * usage.total):
        return []
    fault = (
        f"the disk of {directory} has {usage.free / GIB:.2f} GiB left, and the store stops when it is full"
    )
    return [Finding("machine", fault, "make room, or move the directory to another disk (--data)")]


def of_memory() -> list[Finding]:
    """Whether this machine's memory is almost used up."""
    memory = psutil.virtual_memory()
    if memory.available >= (1.0 - NEARLY_FULL) * memory.total:
        return []
    fault = f"{memory.available / GIB:.2f} of {memory.total / GIB:.1f} GiB of memory are left"
    remedy = (
        "end other programs, or lower SPOTTED_MEMORY_MIB; a process that is killed starts with `spotted up`"
    )
    return [Finding("machine", fault, remedy)]


def last_line(log: Path) -> str:
    """The last line of a log, its message alone where it is JSON; words where there is none."""
    lines = _lines(log)
    if not lines:
        return "(nothing)"
    with suppress(ValueError, KeyError, TypeError):
        return str(json.loads(lines[-1])["message"])
    return lines[-1]


def _lines(log: Path) -> list[str]:
    try:
        return log.read_text(errors="replace").splitlines()[-LAST_LINES:]
    except FileNotFoundError:
        return []


def _ended(member: processes.Member, directory: Path) -> Finding:
    last = last_line(directory / f"{member.role}.log")
    return Finding(
        member.role, f"has ended; its log ends: {last}", "mend what the log says; then `spotted up`"
    )


def _planners(role: str, count: int) -> Finding:
    remedy = "see its log and the machine's memory: most likely the system killed them for it"
    return Finding(role, f"its planning processes ended {count} times", remedy)
