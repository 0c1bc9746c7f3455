"""A survey's gallery, read from the scorer, to measure and plot on this machine."""

from __future__ import annotations

from dataclasses import replace

from spotted.client.survey_handle import SurveyHandle
from spotted.errors import ConcurrencyError
from spotted.ranking.gallery import Gallery
from spotted.survey import Detection, Survey


def load_gallery(survey: SurveyHandle) -> tuple[Gallery, list[Detection]]:
    """A survey's gallery, which scores as the scorer does, and its detections in the gallery's order.

    It has the survey's local scores, and no calibration.
    Raises ConcurrencyError if a survey with local scores changes meanwhile.
    """
    stored = survey.info()
    cameras = {c.camera_id: c for c in survey.cameras()}
    read = Survey(survey.survey_id, stored.start_s, stored.end_s, cameras=cameras)
    detections, embeddings = survey.detections_with_embeddings()
    gallery = Gallery.of(read, detections, embeddings, stored.feasibility)
    if not stored.local_pair_count:
        return gallery, detections
    local = survey.local_scores()
    if local.revision != stored.revision:
        raise ConcurrencyError(
            f"survey {survey.survey_id!r} changed while it was read; run the command again once nothing is "
            "being added or matched"
        )
    return replace(gallery, local=local.pairs), detections
