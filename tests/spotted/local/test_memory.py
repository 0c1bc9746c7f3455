from __future__ import annotations

from spotted.local import memory
from spotted.local.processes import SERVICES


def test_services_of_one_machine_leave_memory_for_the_store() -> None:
    parts = [int(memory.shared(role, {}, {})[memory.VARIABLE]) for role in SERVICES]
    assert all(part > 0 for part in parts)
    assert sum(parts) <= 90


def test_a_part_that_is_set_stays() -> None:
    assert memory.shared("scorer", {"other": "1"}, {memory.VARIABLE: "50"}) == {"other": "1"}
    assert memory.shared("scorer", {memory.VARIABLE: "60"}, {})[memory.VARIABLE] == "60"
