"""Memory of every process of every workload: what it may take by its settings fits its container's limit."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import pytest

from services.common.memory import ANSWERS_BYTES, MIB, PROCESS_BYTES, plan_memory
from services.common.settings import Settings, from_environment
from services.embedder.__main__ import QUEUED_PART
from services.embedder.images.separate_process import PROCESS_BYTES as COSTLY_BYTES
from services.embedder.inference.decoding_budget import RESERVED_PART, decoding_bytes
from services.embedder.inference.image_embedder import MOST_QUEUED_BYTES
from services.review.images.pictures import AT_ONCE
from services.review.images.rendering import MOST_PIXELS
from tests.deploy.rendered import (
    KUBERNETES,
    OVERLAYS,
    ROOT,
    SERVICES,
    configuration,
    containers,
    environment,
    mebibytes,
    named,
    objects,
    pod_template,
    start_file,
    tool,
)

# held by an embedder with its default backbone, measured: 259 MiB
MODEL_BYTES = 320 * MIB
CONFIG = ("--profile", "upkeep", "--profile", "review", "config", "--format", "json")
# of the pixels of a picture that is rendered: decoded, upright, and cut out
COPIES, BYTES_PER_PIXEL = 3, 3
# the page's own process, and its largest pictures
REVIEW_BYTES = PROCESS_BYTES + AT_ONCE * COPIES * BYTES_PER_PIXEL * MOST_PIXELS
BUFFERS_BYTES = 256 * MIB
# programs without a budget of their own: a command, a shell
PLAIN = {
    "upkeep": PROCESS_BYTES,
    "backup": PROCESS_BYTES,
    "setup": PROCESS_BYTES,
    "form-cluster": PROCESS_BYTES,
}
# shells, and Sentinels, which keep names of stores
PLAIN |= dict.fromkeys(("password", "role", "node", "configure", "sentinel"), 16 * MIB)
# a proxy that keeps its sessions in cookies
PLAIN |= {"review": REVIEW_BYTES, "oauth2-proxy": 128 * MIB}


@dataclass(frozen=True)
class Limited:
    """A container with a memory limit."""

    called: str
    """What runs in it: a service, `store`, or one of PLAIN."""
    limit_bytes: int
    cores: int
    variables: dict[str, str]
    store: dict[str, str]
    """Options of the store's configuration."""


def needed_bytes(container: Limited) -> int:
    """What all processes of a container may take by their settings."""
    if container.called == "store":
        # a rewrite of its file copies pages that change meanwhile; buffers of connections are not counted
        return 2 * int(container.store["maxmemory"].removesuffix("gb")) * 1024 * MIB + BUFFERS_BYTES
    if container.called not in SERVICES:
        return PLAIN[container.called]
    settings = from_environment(container.called, {**container.variables, "SPOTTED_STORE_PASSWORD_FILE": ""})
    limit = container.limit_bytes * settings.memory_percent // 100
    if container.called == "embedder":
        return embedder_bytes(settings, limit, container.cores)
    processes = 1 + settings.planners if container.called == "sampler" else 1
    return plan_memory(limit, processes=processes, wanted_mib=settings.memory_mib).planned_bytes


def embedder_bytes(settings: Settings, limit: int, cores: int) -> int:
    costly = max(1, (settings.workers or cores) // 2)
    held = len(settings.model_ids) * MODEL_BYTES + costly * COSTLY_BYTES
    queue = min(MOST_QUEUED_BYTES, limit // QUEUED_PART)
    decoding = decoding_bytes(limit, held_bytes=held, queue_bytes=queue, wanted_mib=settings.memory_mib)
    return held + 2 * queue + decoding + min(ANSWERS_BYTES, int(RESERVED_PART * limit))


def of_overlay(overlay: str) -> Iterator[Limited]:
    found = objects(overlay)
    for workload, container in containers(found):
        called = workload["metadata"]["name"].removeprefix("spotted-")
        if called not in SERVICES:
            called = container["name"]
        options: dict[str, str] = {}
        if called == "store":
            (config,) = [
                volume["configMap"]["name"]
                for volume in pod_template(workload)["spec"]["volumes"]
                if "configMap" in volume
            ]
            files = named(found, "ConfigMap", config)["data"]
            options = configuration(files, start_file(container))
        limits = container["resources"]["limits"]
        cores = max(1, round(float(limits["cpu"].replace("m", "e-3"))))
        yield Limited(
            called, mebibytes(limits["memory"]) * MIB, cores, environment(found, container), options
        )


@lru_cache
def of_compose() -> tuple[Limited, ...]:
    done = subprocess.run(
        [tool("docker-compose"), "-f", ROOT / "deploy" / "compose.yaml", *CONFIG],
        check=True,
        capture_output=True,
        env={"PATH": os.environ["PATH"]},
    )
    composed: dict[str, Any] = json.loads(done.stdout)["services"]
    files = {"store.conf": (KUBERNETES / "base" / "store.conf").read_text()}
    return tuple(
        Limited(
            called,
            int(service["deploy"]["resources"]["limits"]["memory"]),
            round(float(service["deploy"]["resources"]["limits"]["cpus"])),
            {key: value or "" for key, value in service.get("environment", {}).items()},
            configuration(files, "store.conf"),
        )
        for called, service in composed.items()
    )


@pytest.mark.parametrize("place", [*OVERLAYS, "compose"])
def test_what_the_processes_of_a_container_may_take_is_below_its_limit(place: str) -> None:
    found = of_compose() if place == "compose" else [*of_overlay(place)]
    review = {"review"} if place in {"review", "compose"} else set()
    assert {container.called for container in found} >= {*SERVICES, "store", "upkeep", *review}
    for container in found:
        assert needed_bytes(container) < container.limit_bytes, container.called


def test_the_check_sees_a_budget_above_the_limit() -> None:
    (sampler,) = [container for container in of_overlay("cpu") if container.called == "sampler"]
    assert sampler.limit_bytes == 3072 * MIB
    assert int(sampler.variables["SPOTTED_PLANNERS"]) == 2
    # three processes of 4 GiB each
    assert 3 * 4096 * MIB > sampler.limit_bytes > needed_bytes(sampler)
    (store,) = [container for container in of_overlay("cpu") if container.called == "store"]
    assert needed_bytes(store) == 4096 * MIB + BUFFERS_BYTES
