"""Detections as photographs."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import tzinfo
from pathlib import PurePosixPath, PureWindowsPath
from urllib.parse import unquote, urlsplit

from services.review.forms.instants import instant, word, zone_name
from spotted.survey import Detection, ImageBox

Json = dict[str, object]


def photo_form(detection: Detection, zone: tzinfo, others: Sequence[Detection] = ()) -> Json:
    """A detection. others: the other animals of its image."""
    return {
        "detection_id": detection.detection_id,
        "camera": detection.camera_id,
        "captured_at": instant(detection.captured_at_s, zone),
        "zone": zone_name(detection.captured_at_s, zone),
        "side": word(detection.side),
        "file": file_name(detection.image_uri),
        "image_id": detection.image_id,
        "encounter_id": detection.encounter_id,
        "species": detection.species,
        "known_as": detection.individual_id,
        "picture": _picture_digest(detection),
        "box": box_form(detection.box),
        "others": [{"detection_id": one.detection_id, "box": box_form(one.box)} for one in others],
    }


def _picture_digest(detection: Detection) -> str:
    """Differs between the pictures that a detection had, so that no earlier one is shown."""
    return hashlib.sha256(f"{detection.image_uri}\0{detection.box}".encode()).hexdigest()[:8]


def file_name(image_uri: str) -> str:
    """The name of a photograph's file: folders may tell places."""
    path = unquote(urlsplit(image_uri).path) if "://" in image_uri else image_uri
    return PurePosixPath(PureWindowsPath(path).name).name


def box_form(box: ImageBox | None) -> Json | None:
    """A box in fractions of the image; None for the whole image, or if it has to be read with the image."""
    if box is None or box.in_pixels:
        return None
    return {"x": box.x, "y": box.y, "width": box.width, "height": box.height}
