from __future__ import annotations

import pytest
from prometheus_client import REGISTRY, Counter, Histogram

from tests.samples import sample

LENGTHS_M = Histogram("samples_lengths_m", "Lengths.", ["kind"], buckets=(1.0, 2.0))
TURNS = Counter("samples_turns", "Turns.")


@pytest.mark.parametrize(
    ("name", "labels"),
    [
        ("samples_turns_total", {}),
        ("samples_lengths_m_sum", {"kind": "long"}),
        ("samples_lengths_m_bucket", {"kind": "long", "le": "2.0"}),
        ("samples_lengths_m_count", {"kind": "never"}),
        ("no_such_metric", {}),
    ],
)
def test_a_sample_is_the_one_of_the_whole_registry(name: str, labels: dict[str, str]) -> None:
    TURNS.inc()
    LENGTHS_M.labels("long").observe(1.5)
    LENGTHS_M.labels("short").observe(0.5)
    assert sample(name, **labels) == (REGISTRY.get_sample_value(name, labels) or 0.0)
