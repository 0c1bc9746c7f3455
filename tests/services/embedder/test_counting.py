from __future__ import annotations

from collections.abc import Callable

import pytest

from services.embedder.counting import CountedReports
from tests.samples import sample

SECONDS = "spotted_embed_stage_duration_seconds_sum"
REPORTS = CountedReports()


@pytest.mark.parametrize(
    ("report", "name", "labels", "change"),
    [
        (lambda: REPORTS.room(4), "spotted_embed_queue_limit", {}, 4.0),
        (lambda: REPORTS.waiting(3), "spotted_embed_queue_depth", {}, 3.0),
        (lambda: REPORTS.waiting(-3), "spotted_embed_queue_depth", {}, -3.0),
        (lambda: REPORTS.held(30), "spotted_embed_queue_bytes", {}, 30.0),
        (lambda: REPORTS.held(-30), "spotted_embed_queue_bytes", {}, -30.0),
        (lambda: REPORTS.batch(3), "spotted_embed_batch_crops_sum", {}, 3.0),
        (lambda: REPORTS.took("decode", 0.5), SECONDS, {"stage": "decode"}, 0.5),
        (lambda: REPORTS.took("prepare", 0.5), SECONDS, {"stage": "prepare"}, 0.5),
        (lambda: REPORTS.took("infer", 0.5), SECONDS, {"stage": "infer"}, 0.5),
        (lambda: REPORTS.took("segment", 0.5), "spotted_embed_segment_duration_seconds_sum", {}, 0.5),
        (lambda: REPORTS.embedded(0.25, 1.0, 2.0), SECONDS, {"stage": "queue"}, 0.25),
        (REPORTS.refused_full, "spotted_embed_refused_total", {"reason": "queue_full"}, 1.0),
        (REPORTS.refused_late, "spotted_embed_refused_total", {"reason": "deadline"}, 1.0),
    ],
)
def test_a_report_moves_its_metric(
    report: Callable[[], None], name: str, labels: dict[str, str], change: float
) -> None:
    before = sample(name, **labels)
    report()
    assert sample(name, **labels) - before == pytest.approx(change)
