"""Every failure that Spotted reports on purpose.

SpottedError
├── InvalidInputError           the request or file is wrong; `field` names the part
│   ├── OutsidePeriodError      a capture time outside the period of its camera or survey
│   ├── UnreadableImageError    an image cannot be decoded or cropped
│   └── MessageTooLargeError    a request or its answer has more bytes than one message may have
├── NotFoundError               a survey, camera, detection, session or label that does not exist
├── AlreadyExistsError          the id is taken by other content
│   └── RequestIdReusedError    a request id is used again by a request with other content
├── PreconditionError           the thing exists, but is not in the state that this needs
│   ├── CoordinatesError        cameras whose positions do not lie on one plane
│   └── DigestMismatchError     vectors of different backbones or preprocessing
├── ConcurrencyError            another writer came first, retries are used up
├── OverloadedError             the queue is full; `retry_after_s` says when to return
├── QuotaError                  the token's quota is used up
├── UnauthenticatedError        no token, or one that does not hold
├── PermissionDeniedError       the token's role may not do this
├── DeadlineError               the time the caller allowed ran out
├── UnavailableError            a service cannot be reached
│   └── StoreUnavailableError   the store cannot be reached
├── DamagedError                something in the store was changed or lost
│   └── SurveyDamagedError      an event of a survey or session was changed or lost
└── StoreVersionError           the store holds another version's data

`reason` is the stable UPPER_SNAKE name that travels in google.rpc.ErrorInfo (AIP-193).
"""

from __future__ import annotations

import re
from typing import ClassVar

INDEX = re.compile(r"\[(\d+)\]")


class SpottedError(Exception):
    """A failure with a stable reason and a message that names the thing and the remedy."""

    reason: ClassVar[str] = "SPOTTED"

    @property
    def metadata(self) -> dict[str, str]:
        """Details as texts by name, as they travel in google.rpc.ErrorInfo."""
        return {}


class InvalidInputError(SpottedError):
    """A value the caller sent is wrong; `field` is its path in the request, such as `cameras[3].x_m`."""

    reason = "INVALID_INPUT"

    def __init__(self, message: str, *, field: str = "") -> None:
        super().__init__(message)
        self.field = field

    @property
    def index(self) -> int | None:
        """Index in the list that `field` leads through first; None if it leads through none.

        >>> InvalidInputError("x_m is NaN", field="cameras[3].x_m").index
        3
        """
        found = INDEX.search(self.field)
        return int(found.group(1)) if found else None


class OutsidePeriodError(InvalidInputError):
    """A detection was captured outside the period of its camera or survey."""

    reason = "OUTSIDE_PERIOD"


class UnreadableImageError(InvalidInputError):
    """An image that cannot be decoded, is too large, or whose box holds no pixel."""

    reason = "UNREADABLE_IMAGE"


class MessageTooLargeError(InvalidInputError):
    """A request or its answer has more bytes than one message may have; a repeat fails the same way."""

    reason = "MESSAGE_TOO_LARGE"


class NotFoundError(SpottedError):
    """Something named by the caller does not exist."""

    reason = "NOT_FOUND"


class AlreadyExistsError(SpottedError):
    """An id is taken by other content."""

    reason = "ALREADY_EXISTS"


class RequestIdReusedError(AlreadyExistsError):
    """A request id was used before by a request with other content; nothing was changed."""

    reason = "REQUEST_ID_REUSED"

    def __init__(self, message: str, *, first_content: str = "", sent_content: str = "") -> None:
        """Begin. first_content, sent_content: SHA-256 (hex) of both requests without their id."""
        super().__init__(message)
        self.first_content = first_content
        self.sent_content = sent_content

    @property
    def metadata(self) -> dict[str, str]:
        """Both digests."""
        return {"first_content": self.first_content, "sent_content": self.sent_content}


class PreconditionError(SpottedError):
    """The thing exists, but is not in the state that the call needs."""

    reason = "PRECONDITION"


class CoordinatesError(PreconditionError):
    """Cameras of one survey in metres and in degrees, or too far apart for one plane."""

    reason = "COORDINATES"


class DigestMismatchError(PreconditionError):
    """Vectors made by different backbones or preprocessing cannot be compared."""

    reason = "DIGEST_MISMATCH"


class ConcurrencyError(SpottedError):
    """Another writer came first too often; the call may be repeated."""

    reason = "CONCURRENT_WRITES"


class OverloadedError(SpottedError):
    """A queue is full; the call may be repeated after `retry_after_s` seconds."""

    reason = "OVERLOADED"

    def __init__(self, message: str, *, retry_after_s: float) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class QuotaError(SpottedError):
    """The quota of the caller's token is used up."""

    reason = "QUOTA_EXCEEDED"


class UnauthenticatedError(SpottedError):
    """The call carries no token, or one that is unknown, revoked or expired."""

    reason = "UNAUTHENTICATED"


class PermissionDeniedError(SpottedError):
    """The role of the caller's token may not do this."""

    reason = "PERMISSION_DENIED"


class DeadlineError(SpottedError):
    """The time that the caller allowed ran out."""

    reason = "DEADLINE"


class UnavailableError(SpottedError):
    """A service cannot be reached; the call may be repeated."""

    reason = "UNAVAILABLE"


class StoreUnavailableError(UnavailableError):
    """The store cannot be reached; nothing was acknowledged."""

    reason = "STORE_UNAVAILABLE"


class DamagedError(SpottedError):
    """Something in the store is not what was written; the message names it and the remedy."""

    reason = "DAMAGED"


class SurveyDamagedError(DamagedError):
    """An event of a survey or session was changed or lost in the store; neighbours are not affected."""

    reason = "SURVEY_DAMAGED"


class StoreVersionError(SpottedError):
    """The store holds data of another version of Spotted."""

    reason = "STORE_VERSION"
