"""Checks of requests that all services share; they run before any computation."""

from __future__ import annotations

import base64
import hashlib
import itertools
import json
import math
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import TypeVar
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp

from services.common.store import keys
from spotted import messages
from spotted.catalogue.foreign_ids import is_foreign
from spotted.errors import InvalidInputError
from spotted.survey import Camera, Detection
from spotted.v1 import survey_pb2 as pb

SLUG = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
ID_LENGTH = 256
# with these a page of 500 surveys and a burst of a hundred detections fit into a message
NAME_LENGTH, URI_LENGTH = 1024, 2048
# a page ends before it; one more item of any list is still far below the largest message, 4 MiB
PAGE_BYTES = 1 << 20
# largest answer that is not a page
ANSWER_BYTES = 4 * 1024**2 - 64 * 1024
# far more items than any list has, and still an exact integer in every store
LAST_START = 1 << 53
MOST_NANOS = 999_999_999
# wider than any photograph; boxes rounded to three decimals may reach this share beyond their image
MOST_PIXELS, BOX_TOLERANCE = 1e6, 1.001 + 1e-9
# farther from the origin than any projected coordinate on Earth
FARTHEST_M = 1e8

ItemT = TypeVar("ItemT")
MessageT = TypeVar("MessageT", bound=Message)


def slug(text: str, field: str) -> str:
    """A survey, session or annotator id. Raises InvalidInputError for an invalid one."""
    if not SLUG.fullmatch(text):
        raise InvalidInputError(
            f"{field} is {text!r}; use 1 to 64 letters, digits and `._-`, beginning with a letter or digit",
            field=field,
        )
    return text


def survey_id(text: str, field: str) -> str:
    """A survey's id, optionally with its organisation before it. Raises InvalidInputError."""
    organisation, of, own = text.rpartition(keys.OF)
    for part in (organisation, own) if of else (own,):
        slug(part, field)
    return text


def identifier(text: str, field: str, *, required: bool = True) -> str:
    """Any other id. Raises InvalidInputError if it is too long, not printable, or missing."""
    if (required and not text) or len(text) > ID_LENGTH or not text.isprintable():
        raise InvalidInputError(
            f"{field} is {text[:40]!r}; use 1 to {ID_LENGTH} printable characters", field=field
        )
    return text


def words(text: str, field: str, *, most: int) -> str:
    """Free text. Raises InvalidInputError if it is longer than `most` characters."""
    if len(text) > most:
        raise InvalidInputError(f"{field} has {len(text)} characters; use at most {most}", field=field)
    return text


def between(count: int, least: int, most: int, field: str) -> int:
    """A count within limits. Raises InvalidInputError that names both limits."""
    if not least <= count <= most:
        raise InvalidInputError(f"{field} is {count}; use {least} to {most}", field=field)
    return count


def unique(ids: Iterable[str], field: str) -> None:
    """Raise InvalidInputError for the first repeated id."""
    seen: set[str] = set()
    for each in ids:
        if each in seen:
            raise InvalidInputError(f"{field} names {each!r} twice; send each id once", field=field)
        seen.add(each)


def finite(value: float, field: str, *, least: float = -math.inf, most: float = math.inf) -> float:
    """A number within limits. Raises InvalidInputError for NaN, infinity, or a value outside them."""
    if not (math.isfinite(value) and least <= value <= most):
        raise InvalidInputError(f"{field} is {value}; use a number from {least:g} to {most:g}", field=field)
    return value


def nanos(message: Timestamp | Duration, field: str) -> None:
    """Raise InvalidInputError for a fraction of a second outside 0 to 999,999,999 nanoseconds."""
    between(message.nanos, 0, MOST_NANOS, f"{field}.nanos")


def instant(message: Timestamp, field: str) -> None:
    """Raise InvalidInputError for a Timestamp that is not valid or is outside the years 1 to 9999."""
    nanos(message, field)
    finite(messages.seconds(message), field, least=messages.FIRST_INSTANT_S, most=messages.LAST_INSTANT_S)


def period(survey: pb.Survey) -> None:
    """Raise InvalidInputError if a survey's times are invalid, or it ends before it starts."""
    for part in ("start_time", "end_time"):
        instant(getattr(survey, part), f"survey.{part}")
    if messages.seconds(survey.end_time) <= messages.seconds(survey.start_time):
        raise InvalidInputError(
            f"survey {survey.survey_id!r} does not end after it starts; correct start_time or end_time",
            field="survey.end_time",
        )


def seconds(message: Duration, field: str, *, least: float, most: float) -> float:
    """A Duration within limits, seconds. Raises InvalidInputError."""
    nanos(message, field)
    return finite(message.seconds + message.nanos * 1e-9, field, least=least, most=most)


def camera(message: pb.Camera, field: str) -> Camera:
    """A camera with a valid id, position and period."""
    identifier(message.camera_id, f"{field}.camera_id")
    identifier(message.station, f"{field}.station", required=False)
    finite(message.position.x_m, f"{field}.position.x_m", least=-FARTHEST_M, most=FARTHEST_M)
    finite(message.position.y_m, f"{field}.position.y_m", least=-FARTHEST_M, most=FARTHEST_M)
    finite(message.location_uncertainty_m, f"{field}.location_uncertainty_m", least=0.0, most=FARTHEST_M)
    for part in ("start_time", "end_time"):
        instant(getattr(message, part), f"{field}.{part}")
    finite(message.geo_position.latitude_deg, f"{field}.geo_position.latitude_deg", least=-90.0, most=90.0)
    finite(
        message.geo_position.longitude_deg, f"{field}.geo_position.longitude_deg", least=-180.0, most=180.0
    )
    decoded = messages.camera(message)
    if message.HasField("geo_position"):
        # computed from it
        decoded = replace(decoded, x_m=None, y_m=None)
    if decoded.start_s is not None and decoded.end_s is not None and decoded.end_s < decoded.start_s:
        raise InvalidInputError(
            f"camera {decoded.camera_id!r} ends before it starts; correct its end_time",
            field=f"{field}.end_time",
        )
    return decoded


def detection(message: pb.Detection, field: str, *, stored: bool = True) -> Detection:
    """A detection with valid ids and time; one that is not stored needs no id."""
    identifier(message.detection_id, f"{field}.detection_id", required=stored)
    if is_foreign(message.detection_id):
        raise InvalidInputError(
            f"{field}.detection_id is {message.detection_id[:40]!r}; such ids name detections of other "
            "surveys; use another one",
            field=f"{field}.detection_id",
        )
    for part in ("camera_id", "image_id", "encounter_id", "individual_id"):
        identifier(getattr(message, part), f"{field}.{part}", required=False)
    identifier(message.species, f"{field}.species", required=False)
    words(message.image_uri, f"{field}.image_uri", most=URI_LENGTH)
    _box(message, field)
    instant(message.captured_at, f"{field}.captured_at")
    return messages.detection(message)


def _box(message: pb.Detection, field: str) -> None:
    """Raise InvalidInputError for a box without area, or outside the image."""
    kind = message.WhichOneof("box")
    if kind is None:
        return
    box = message.pixels if kind == "pixels" else message.fractions
    most = MOST_PIXELS if kind == "pixels" else 1.0
    for start, size in (("x", "width"), ("y", "height")):
        begins = finite(getattr(box, start), f"{field}.{kind}.{start}", least=0.0, most=most)
        length = finite(getattr(box, size), f"{field}.{kind}.{size}", least=0.0, most=most)
        if not length or begins + length > most * BOX_TOLERANCE:
            raise InvalidInputError(
                f"{field}.{kind} has {start} {begins:g} and {size} {length:g}; give it an area inside the "
                f"image, up to {most:g}",
                field=f"{field}.{kind}.{size}",
            )


def time_zone(text: str, field: str) -> str:
    """An IANA time zone, or an empty text. Raises InvalidInputError for an unknown one."""
    try:
        ZoneInfo(text or "UTC")
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise InvalidInputError(
            f"{field} is {text[:64]!r}; use a name of the IANA database, e.g. Africa/Harare", field=field
        ) from error
    return text


def page_size(requested: int, *, default: int, largest: int) -> int:
    """Number of items of a page: the default for 0, limited to the largest (AIP-158)."""
    return min(requested or default, largest)


def page(items: Sequence[ItemT], size: int, token: str, *arguments: str) -> tuple[Sequence[ItemT], str]:
    """The page for a token, and the token of the next page, empty on the last one.

    arguments: the arguments of the list; a token made with other arguments is rejected.
    """
    start = page_start(token, arguments)
    more = start + size < len(items)
    return items[start : start + size], page_token(start + size, arguments) if more else ""


def message_page(
    items: Sequence[ItemT], message: Callable[[ItemT], MessageT], size: int, token: str, *arguments: str
) -> tuple[list[MessageT], str]:
    """Like `page`, with the items as messages; it ends early if they would exceed PAGE_BYTES."""
    start = page_start(token, arguments)
    made = [message(item) for item in items[start : start + size]]
    made = made[: fitting([one.ByteSize() for one in made])]
    end = start + len(made)
    return made, page_token(end, arguments) if end < len(items) else ""


def fitting(sizes: Sequence[int], most: int = PAGE_BYTES) -> int:
    """Number of first items within `most` bytes; at least one, so that listing always advances."""
    return max(1, sum(total <= most for total in itertools.accumulate(sizes)))


def page_token(start: int, arguments: Sequence[str]) -> str:
    """The token of the page that begins at item `start` of the list with these arguments."""
    return base64.urlsafe_b64encode(json.dumps([start, _short_digest(arguments)]).encode()).decode()


def page_start(token: str, arguments: Sequence[str]) -> int:
    """First item of a token's page, 0 without a token. Raises InvalidInputError for another list's token."""
    if not token:
        return 0
    try:
        start, digest = json.loads(base64.urlsafe_b64decode(token.encode()))
        valid = isinstance(start, int) and 0 <= start <= LAST_START and digest == _short_digest(arguments)
    except (ValueError, TypeError, RecursionError):
        valid = False
    if not valid:
        raise InvalidInputError(
            "page_token does not belong to this list; start again without it", field="page_token"
        )
    return int(start)


def _short_digest(arguments: Sequence[str]) -> str:
    return hashlib.sha256("\0".join(arguments).encode()).hexdigest()[:16]
