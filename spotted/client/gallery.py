"""A survey as it is scored, read from the scorer, for measuring and plotting on this side."""

from __future__ import annotations

from spotted import messages
from spotted.client import Spotted
from spotted.ranking.gallery import Gallery
from spotted.survey import Detection, Survey, detection_table, id_order


def load_gallery(spotted: Spotted, survey_id: str) -> tuple[Gallery, list[Detection]]:
    """A survey's detections as they are scored, from the scorer."""
    stored = spotted.survey(survey_id)
    cameras = {c.camera_id: c for c in spotted.cameras(survey_id)}
    start_s, end_s = messages.seconds(stored.start_time), messages.seconds(stored.end_time)
    detections, embeddings = spotted.detections_with_embeddings(survey_id)
    gallery = Gallery(
        embeddings,
        detection_table(detections, cameras),
        id_order([d.detection_id for d in detections]),
        Survey(survey_id, start_s, end_s, cameras=cameras).extent(),
        messages.feasibility(stored.feasibility),
    )
    return gallery, detections
