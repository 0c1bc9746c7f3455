from __future__ import annotations

from services.common.memory import MIB, plan_memory
from services.embedder.__main__ import QUEUED_PART
from services.embedder.inference.decoding_budget import decoding_bytes
from spotted.local import memory
from spotted.local.processes import SERVICES


def test_services_of_one_machine_leave_memory_for_the_store() -> None:
    parts = [int(memory.shared(role, {}, {})[memory.VARIABLE]) for role in SERVICES]
    assert all(part > 0 for part in parts)
    assert sum(parts) <= 90


def test_a_part_that_is_set_stays() -> None:
    assert memory.shared("scorer", {"other": "1"}, {memory.VARIABLE: "50"}) == {"other": "1"}
    assert memory.shared("scorer", {memory.VARIABLE: "60"}, {})[memory.VARIABLE] == "60"


def test_two_gigabytes_are_enough_for_all_services() -> None:
    for role, processes in (("scorer", 1), ("sampler", 2)):
        plan_memory((2 << 30) * memory.PERCENT[role] // 100, processes=processes)
    limit = (2 << 30) * memory.PERCENT["embedder"] // 100
    # what an embedder of one backbone on two cores holds
    decoding_bytes(limit, held_bytes=320 * MIB, queue_bytes=limit // QUEUED_PART)
