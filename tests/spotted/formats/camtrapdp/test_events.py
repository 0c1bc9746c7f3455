from __future__ import annotations

from datetime import UTC, datetime, timedelta

from spotted.formats.camtrapdp.events import (
    DESCRIBED,
    SHARED,
    WITHOUT_IMAGE,
    Spread,
    detection_id,
    observation_of,
    spread_events,
)
from spotted.formats.problems import Problems
from spotted.formats.row import Row

START = datetime(2024, 6, 1, tzinfo=UTC)


def at(minutes: float) -> str:
    return (START + timedelta(minutes=minutes)).isoformat()


def medium(minutes: float, deployment: str = "D") -> Row:
    return Row("media.csv", 2, {"deploymentID": deployment, "timestamp": at(minutes)}, Problems())


def event(name: str, first: float, last: float, **cells: str) -> Row:
    own = {"observationID": name, "deploymentID": "D", "eventStart": at(first), "eventEnd": at(last), **cells}
    return Row("observations.csv", 2, own, Problems())


def described(media_id: str, kind: str) -> Row:
    return Row("observations.csv", 3, {"mediaID": media_id, "observationType": kind}, Problems())


MEDIA = {"m1": medium(1), "m2": medium(2), "m3": medium(3), "other": medium(2, "E"), "m9": medium(90)}


def spread(*events: Row, media_based: tuple[Row, ...] = ()) -> Spread:
    return spread_events(events, media_based, MEDIA, UTC)


def test_an_event_is_in_every_image_of_its_deployment_and_time() -> None:
    assert spread(event("e", 1, 2)).media == {"e": ("m1", "m2")}
    assert spread(event("e", 2, 1)).media == {"e": ("m1", "m2")}
    assert spread(event("e", 2, 2, eventEnd="")).media == {"e": ("m2",)}
    assert spread(event("e", 2.01, 3.01)).media == {"e": ("m2", "m3")}


def test_an_event_that_names_its_image_is_in_that_one() -> None:
    assert spread(event("e", 1, 2, mediaID="m3")).media == {"e": ("m3",)}


def test_an_event_without_images_or_time_is_skipped() -> None:
    assert spread(event("e", 10, 11)).skipped == {"e": WITHOUT_IMAGE}
    assert spread(event("e", 1, 2, eventStart="", eventEnd="")).skipped == {"e": WITHOUT_IMAGE}
    assert spread(event("e", 1, 2, mediaID="nosuch")).skipped == {"e": WITHOUT_IMAGE}


def test_images_with_observations_of_their_own_are_left_to_them() -> None:
    blank, animal = described("m1", "blank"), described("m1", "animal")
    assert spread(event("e", 1, 2), media_based=(blank,)).media == {"e": ("m2",)}
    assert spread(event("e", 1, 1), media_based=(blank,)).skipped == {"e": DESCRIBED}
    assert spread(event("e", 1, 2), media_based=(animal,)).skipped == {"e": DESCRIBED}


def test_images_that_several_events_claim_show_nobody_knows_which_animal() -> None:
    both = spread(event("a", 1, 2), event("b", 2, 3))
    assert both.media == {"a": ("m1",), "b": ("m3",)}
    assert spread(event("a", 1, 1), event("b", 1, 1)).skipped == {"a": SHARED, "b": SHARED}


def test_a_detection_leads_back_to_its_observation() -> None:
    known = {"o1", "o1:x", "o2"}
    assert observation_of(detection_id("o1", "m"), known) == "o1"
    assert observation_of(detection_id("o2", "m:1"), known) == "o2"
    assert observation_of("o1:x", known) == "o1:x"
    assert observation_of("o3:m", known) == ""
