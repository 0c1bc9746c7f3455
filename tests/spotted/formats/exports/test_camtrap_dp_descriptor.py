from __future__ import annotations

import json
from datetime import UTC

from spotted.formats.exports.camtrap_dp_descriptor import describe_package
from spotted.survey import Survey

SURVEY = Survey("Ridge 2024", 0.0, 2 * 86_400.0, "The ridge")


def test_the_descriptor_holds_extent_period_and_species() -> None:
    positions = {"A": (-24.5, 31.5), "B": (-24.6, 31.4)}
    made = json.loads(describe_package(SURVEY, positions, ["Panthera pardus"], UTC))
    assert made["name"] == "ridge-2024"
    assert made["title"] == made["project"]["title"] == "The ridge"
    # the survey ends at midnight
    assert made["temporal"] == {"start": "1970-01-01", "end": "1970-01-02"}
    ring = made["spatial"]["coordinates"][0]
    assert ring[0] == ring[-1] == [31.4, -24.6]
    assert {tuple(point) for point in ring} == {(31.4, -24.6), (31.5, -24.6), (31.5, -24.5), (31.4, -24.5)}
    assert made["taxonomic"] == [{"scientificName": "Panthera pardus"}]


def test_a_survey_without_species_is_of_animals() -> None:
    made = json.loads(describe_package(SURVEY, {"A": (0.0, 0.0)}, [], UTC))
    assert made["taxonomic"] == [{"scientificName": "Animalia"}]
