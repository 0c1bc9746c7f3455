"""The table of docs/faults.md and the fault tests name each other."""

from __future__ import annotations

import re
from pathlib import Path

HERE = Path(__file__).resolve().parent
PAGE = HERE.parent.parent / "docs" / "faults.md"
# of the tests themselves
TOOLS = {"test_proxy.py", "test_table.py"}
NAMED = re.compile(r"`((?:\.\./services/(?:\w+/)+)?test_\w+\.py)(?:::(test_\w+))?`")


def rows() -> list[str]:
    table = PAGE.read_text().partition("## The table")[2]
    return [line for line in table.splitlines() if line.startswith("| ")][1:]


def test_every_row_names_a_test_that_exists() -> None:
    assert len(rows()) > 40
    for row in rows():
        named = NAMED.search(row)
        assert named, row
        source = (HERE / named[1]).read_text()
        assert named[2] is None or f"def {named[2]}(" in source, row


def test_every_file_of_fault_tests_is_in_the_table() -> None:
    named = {found[0] for found in NAMED.findall("\n".join(rows())) if "/" not in found[0]}
    assert named == {path.name for path in HERE.glob("test_*.py")} - TOOLS


def test_every_test_of_a_store_that_fails_is_in_the_table() -> None:
    named = {found[1] for found in NAMED.findall("\n".join(rows()))}
    for name in (
        "test_store_faults.py",
        "test_store_failover.py",
        "test_service_faults.py",
        "test_clocks.py",
    ):
        assert set(re.findall(r"^def (test_\w+)\(", (HERE / name).read_text(), re.MULTILINE)) <= named
