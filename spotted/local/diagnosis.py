"""Faults of a running Spotted, each with its remedy.

Sources and choices: docs/research/provenance.md.
"""

from __future__ import annotations

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

from spotted.local import append_only, processes
from spotted.local.log_lines import last_lines, last_message

TIMEOUT_S = 2.0
# below either, rewriting the append-only file may fill the disk
LEAST_FREE_SHARE, LEAST_FREE_BYTES = 0.05, 2 * 1024**3
NEARLY_FULL = 0.9
# one survey may fill half of the queue, and images being processed no longer wait
MUCH_WAITS = 0.25
# restarts of planning processes that are a pattern, not an accident
MANY_RESTARTS = 3
STORE_VERSION_KEY = "spotted:version"
METRICS_LISTEN = "SPOTTED_METRICS_LISTEN"
GIB = 1024.0**3


@dataclass(frozen=True, slots=True)
class Finding:
    """A fault and its remedy."""

    role: str
    """Process, "machine", or address."""
    fault: str
    """The fault as a sentence without its subject."""
    remedy: str
    """How to correct it."""


def of_run(run: processes.LocalRun) -> list[Finding]:
    """Faults of the processes of a directory, of disk and memory, and of the store and the metrics."""
    findings = [*of_disk(run.directory), *of_memory()]
    store = run.member("store")
    of_its_store = of_store(run.store_url) if store and store.process() else []
    for member in run.members:
        findings += of_store_process(member, run) if member.role == "store" else []
        findings += [] if member.role == "store" else of_service(member, run.directory, of_its_store)
    return [*findings, *of_its_store]


def of_store_process(member: processes.Member, run: processes.LocalRun) -> list[Finding]:
    """Faults of the process of the store: it has ended, or it dropped the end of its file when it started."""
    if member.process() is None:
        return [_ended(member, run.directory)]
    dropped = append_only.dropped(run.directory / "store.log")
    return [Finding("store", dropped, append_only.REMEDY)] if dropped else []


def of_service(member: processes.Member, directory: Path, of_its_store: list[Finding]) -> list[Finding]:
    """Faults of a service on this machine, from its health, log and metrics."""
    process = member.process()
    if process is None:
        return [_ended(member, directory)]
    findings = []
    if not processes.answers(member):
        remedy = f"wait a moment; if it lasts, see {directory / member.role}.log"
        if of_its_store:
            remedy = f"the store first: {of_its_store[0].remedy}"
        last = last_message(directory / f"{member.role}.log")
        findings.append(Finding(member.role, f"is running but not serving; its log ends: {last}", remedy))
    died = sum("a planning process ended" in line for line in last_lines(directory / f"{member.role}.log"))
    if died >= MANY_RESTARTS:
        findings.append(_planners(member.role, died))
    with suppress(psutil.Error, OSError):
        listen = process.environ().get(METRICS_LISTEN, "")
        findings += of_metrics(member.role, listen) if listen and not died else []
    return findings


def of_store(url: str) -> list[Finding]:
    """Faults that the store itself reports."""
    with closing(
        redis.Redis.from_url(url, socket_timeout=TIMEOUT_S, socket_connect_timeout=TIMEOUT_S)
    ) as client:
        try:
            info = cast("dict[str, object]", client.info("everything"))
            version = cast("bytes | None", client.get(STORE_VERSION_KEY))
        except redis.RedisError as error:
            return [
                Finding("store", f"does not answer ({error})", "see store.log; `spotted up` starts it again")
            ]
    return [Finding("store", fault, remedy) for fault, remedy in _of_info(info, version)]


def _of_info(info: Mapping[str, object], version: bytes | None) -> Iterator[tuple[str, str]]:
    def count(name: str) -> float:
        return float(str(info.get(name, 0)))

    if not count("aof_enabled"):
        yield (
            "keeps no append-only file, so a restart loses labels",
            "set `appendonly yes` in its configuration",
        )
    if info.get("aof_last_write_status", "ok") != "ok":
        yield "cannot write to its disk, so it refuses writes", "free space on its disk, and see store.log"
    if info.get("aof_last_bgrewrite_status", "ok") != "ok":
        yield "could not rewrite its append-only file", "free space on its disk; it retries by itself"
    if info.get("role") == "slave":
        yield "is a replica and refuses writes", "point SPOTTED_STORE_URL at the primary"
    if info.get("maxmemory_policy", "noeviction") != "noeviction":
        yield "drops keys when its memory is full", "set `maxmemory-policy noeviction`"
    most = count("maxmemory")
    if most and count("used_memory") > NEARLY_FULL * most:
        used, may = count("used_memory") / GIB, most / GIB
        yield (
            f"uses {used:.1f} of its limit of {may:.1f} GiB, and refuses writes beyond that",
            "raise the limit (`maxmemory`), or delete surveys that are finished",
        )
    if count("maxclients") and count("connected_clients") > NEARLY_FULL * count("maxclients"):
        yield "has nearly reached its limit of connections", "raise its `maxclients`"
    if version is None:
        yield (
            "is empty: no service has opened it yet",
            "wait for the services; if data is missing, restore it",
        )


def of_health(address: str) -> list[Finding]:
    """Faults reported at the health port of a service, which needs neither token nor TLS."""
    answers = {name: _health(address, name) for name in ("liveness", "readiness")}
    if "nothing answers" in answers.values():
        return [Finding(address, "does not answer", "start the service, or correct the address")]
    if answers["readiness"] != "SERVING":
        remedy = "see its log: most likely it is waiting for the store, or shutting down"
        return [Finding(address, "is running but does not accept calls", remedy)]
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
    """Faults of a service according to its metrics; address: host:port of the metrics."""
    try:
        with urllib.request.urlopen(f"http://{address}/metrics", timeout=TIMEOUT_S) as answer:
            text = answer.read().decode()
    except OSError as error:
        return [Finding(role, f"has no metrics at {address} ({error})", f"correct {METRICS_LISTEN}")]
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
            f"has {depth:.0f} images waiting, and refused {refused:.0f} since it started",
            "send fewer at once, or start another embedder",
        )
    budget, used = totals["spotted_surveys_budget_bytes"], totals["spotted_surveys_bytes"]
    if budget and totals["spotted_surveys_evicted_total"] and used > NEARLY_FULL * budget:
        yield Finding(
            role,
            f"has its {budget / GIB:.1f} GiB full of surveys, and reads some again on each use",
            "raise SPOTTED_MEMORY_MIB, or start another scorer",
        )
    if totals["spotted_planner_restarts_total"] >= MANY_RESTARTS:
        yield _planners(role, int(totals["spotted_planner_restarts_total"]))


def of_disk(directory: Path) -> list[Finding]:
    """A fault if the disk of the append-only file is almost full."""
    usage = shutil.disk_usage(directory)
    if usage.free >= min(LEAST_FREE_BYTES, LEAST_FREE_SHARE * usage.total):
        return []
    fault = f"has {usage.free / GIB:.2f} GiB left on the disk of {directory}; the store stops when it is full"
    return [Finding("machine", fault, "free space, or move the directory to another disk (--data)")]


def of_memory() -> list[Finding]:
    """A fault if the memory of this machine is almost used up."""
    memory = psutil.virtual_memory()
    if memory.available >= (1.0 - NEARLY_FULL) * memory.total:
        return []
    fault = f"has {memory.available / GIB:.2f} of {memory.total / GIB:.1f} GiB of memory left"
    remedy = "end other programs, or lower SPOTTED_MEMORY_MIB; `spotted up` restarts a killed process"
    return [Finding("machine", fault, remedy)]


def _ended(member: processes.Member, directory: Path) -> Finding:
    last = last_message(directory / f"{member.role}.log")
    return Finding(
        member.role, f"has ended; its log ends: {last}", "fix the cause in the log; then `spotted up`"
    )


def _planners(role: str, count: int) -> Finding:
    remedy = "see its log and the memory of the machine: most likely the system killed them for memory"
    return Finding(role, f"restarted its planning processes {count} times", remedy)
