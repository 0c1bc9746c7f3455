"""Reports of an embedder's work as Prometheus metrics and spans."""

from __future__ import annotations

from services.common.telemetry import metrics, tracing
from services.embedder.reports import Reports, Stage

_SECONDS = {
    "decode": metrics.EMBED_DECODE_S,
    "prepare": metrics.EMBED_PREPARE_S,
    "segment": metrics.EMBED_SEGMENT_SECONDS,
    "infer": metrics.EMBED_INFER_S,
}


class CountedReports(Reports):
    """Adds every report to the metrics of this process, and the stages of an image to its trace."""

    def room(self, crops: int) -> None:
        """Each backbone has its own queue, so the limits add up."""
        metrics.EMBED_QUEUE_LIMIT.inc(crops)

    def waiting(self, change: int) -> None:
        """Images that wait, of all queues."""
        metrics.EMBED_QUEUE_DEPTH.inc(change)

    def held(self, change: int) -> None:
        """Bytes of admitted images, of all queues."""
        metrics.EMBED_QUEUE_BYTES.inc(change)

    def batch(self, crops: int) -> None:
        """The size of a batch."""
        metrics.EMBED_BATCH_CROPS.observe(crops)

    def took(self, stage: Stage, seconds: float) -> None:
        """The time of a stage."""
        _SECONDS[stage].observe(seconds)

    def embedded(self, queued_s: float, prepared_s: float, worked_s: float) -> None:
        """The time in the queue, and all stages as spans."""
        metrics.EMBED_QUEUE_S.observe(queued_s)
        tracing.record([("queue", queued_s), ("prepare", prepared_s), ("infer", worked_s)])

    def refused_full(self) -> None:
        """One more image without room."""
        metrics.EMBED_REFUSED_FULL.inc()

    def refused_late(self) -> None:
        """One more image that was too late."""
        metrics.EMBED_REFUSED_LATE.inc()
