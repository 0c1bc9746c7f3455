"""The columns of Camtrap DP 1.0.2: all, in the order of its table schemas, as validators expect them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from spotted.formats.captures.tables import csv_bytes

DEPLOYMENTS = (
    "deploymentID",
    "locationID",
    "locationName",
    "latitude",
    "longitude",
    "coordinateUncertainty",
    "deploymentStart",
    "deploymentEnd",
    "setupBy",
    "cameraID",
    "cameraModel",
    "cameraDelay",
    "cameraHeight",
    "cameraDepth",
    "cameraTilt",
    "cameraHeading",
    "detectionDistance",
    "timestampIssues",
    "baitUse",
    "featureType",
    "habitat",
    "deploymentGroups",
    "deploymentTags",
    "deploymentComments",
)
MEDIA = (
    "mediaID",
    "deploymentID",
    "captureMethod",
    "timestamp",
    "filePath",
    "filePublic",
    "fileName",
    "fileMediatype",
    "exifData",
    "favorite",
    "mediaComments",
)
OBSERVATIONS = (
    "observationID",
    "deploymentID",
    "mediaID",
    "eventID",
    "eventStart",
    "eventEnd",
    "observationLevel",
    "observationType",
    "cameraSetupType",
    "scientificName",
    "count",
    "lifeStage",
    "sex",
    "behavior",
    "individualID",
    "individualPositionRadius",
    "individualPositionAngle",
    "individualSpeed",
    "bboxX",
    "bboxY",
    "bboxWidth",
    "bboxHeight",
    "classificationMethod",
    "classifiedBy",
    "classificationTimestamp",
    "classificationProbability",
    "observationTags",
    "observationComments",
)


def table(columns: Sequence[str], rows: Iterable[Mapping[str, object]]) -> bytes:
    """A CSV of rows by column; the columns that a row lacks are empty.

    >>> table(("mediaID", "fileName"), [{"mediaID": "m1"}]).decode().splitlines()
    ['mediaID,fileName', 'm1,']
    """
    return csv_bytes(columns, ([row.get(column, "") for column in columns] for row in rows))
