"""A survey's gallery, read from the scorer, to measure and plot on this machine."""

from __future__ import annotations

from spotted.client.survey_handle import SurveyHandle
from spotted.ranking.gallery import Gallery
from spotted.survey import Detection, Survey


def load_gallery(survey: SurveyHandle) -> tuple[Gallery, list[Detection]]:
    """A survey's gallery, which scores as the scorer does, and its detections in the gallery's order."""
    stored = survey.info()
    cameras = {c.camera_id: c for c in survey.cameras()}
    read = Survey(survey.survey_id, stored.start_s, stored.end_s, cameras=cameras)
    detections, embeddings = survey.detections_with_embeddings()
    return Gallery.of(read, detections, embeddings, stored.feasibility), detections
