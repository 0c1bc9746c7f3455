"""The descriptor of a Camtrap DP 1.0.2 package: what it holds, and of which survey."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from datetime import datetime, tzinfo

from spotted.formats.captures.occasions import MIDNIGHT_S
from spotted.survey import Survey

VERSION = "1.0.2"
SCHEMAS = f"https://raw.githubusercontent.com/tdwg/camtrap-dp/{VERSION}"


def describe_package(
    survey: Survey, positions_deg: Mapping[str, tuple[float, float]], species: Sequence[str], zone: tzinfo
) -> bytes:
    """The content of datapackage.json; its creation is the end of the survey, so that it can be repeated.

    positions_deg: latitude and longitude by camera. species: scientific names.
    """
    # an end at midnight has no part of the day that begins
    instants = (survey.start_s, max(survey.end_s - MIDNIGHT_S, survey.start_s))
    start, end = (datetime.fromtimestamp(seconds, zone) for seconds in instants)
    title = survey.display_name or survey.survey_id
    descriptor = {
        "profile": f"{SCHEMAS}/camtrap-dp-profile.json",
        "name": re.sub(r"[^a-z0-9._-]+", "-", survey.survey_id.lower()),
        "title": title,
        "created": end.isoformat(timespec="seconds"),
        "contributors": [{"title": "unknown", "role": "contributor"}],
        "project": {
            "title": title,
            "samplingDesign": "opportunistic",
            "captureMethod": ["activityDetection"],
            "individualAnimals": True,
            "observationLevel": ["media"],
        },
        "spatial": _extent(list(positions_deg.values())),
        "temporal": {"start": start.date().isoformat(), "end": end.date().isoformat()},
        "taxonomic": [{"scientificName": name} for name in species or ["Animalia"]],
        "resources": [
            {
                "name": table,
                "path": f"{table}.csv",
                "profile": "tabular-data-resource",
                "format": "csv",
                "mediatype": "text/csv",
                "encoding": "utf-8",
                "schema": f"{SCHEMAS}/{table}-table-schema.json",
            }
            for table in ("deployments", "media", "observations")
        ],
    }
    return (json.dumps(descriptor, indent=2, ensure_ascii=False) + "\n").encode()


def _extent(positions_deg: Sequence[tuple[float, float]]) -> dict[str, object]:
    """The rectangle around all positions, as GeoJSON."""
    south, north = (pick(latitude for latitude, _ in positions_deg) for pick in (min, max))
    west, east = (pick(longitude for _, longitude in positions_deg) for pick in (min, max))
    ring = [[west, south], [east, south], [east, north], [west, north], [west, south]]
    return {"type": "Polygon", "coordinates": [ring]}
