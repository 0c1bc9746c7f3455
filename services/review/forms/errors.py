"""Errors as JSON, with the status of each kind."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from spotted import errors

STATUSES: dict[type[errors.SpottedError], int] = {
    errors.InvalidInputError: 400,
    errors.UnauthenticatedError: 401,
    errors.PermissionDeniedError: 403,
    errors.NotFoundError: 404,
    errors.AlreadyExistsError: 409,
    errors.PreconditionError: 409,
    errors.ConcurrencyError: 409,
    errors.OverloadedError: 429,
    errors.QuotaError: 429,
    errors.UnavailableError: 503,
    errors.DeadlineError: 503,
}
OTHER = 500


class ImageMissingError(errors.NotFoundError):
    """A photograph that is not where it was imported from."""

    reason = "IMAGE_MISSING"

    def __init__(self, message: str, *, file: str) -> None:
        """Begin. file: the name of the file, without its folder."""
        super().__init__(message)
        self.file = file


class NotCertifiedError(errors.PreconditionError):
    """An export before it is known that few matches are missing."""

    reason = "NOT_CERTIFIED"


def error_form(reason: str, message: str, **more: object) -> dict[str, object]:
    """An error."""
    return {"error": {"reason": reason, "message": message, "field": "", "retry_after_s": None, **more}}


def form_of(error: errors.SpottedError) -> dict[str, object]:
    """The error as JSON."""
    more: dict[str, object] = {}
    if isinstance(error, errors.InvalidInputError):
        more["field"] = error.field
    if isinstance(error, errors.OverloadedError):
        more["retry_after_s"] = error.retry_after_s
    if isinstance(error, ImageMissingError):
        more["file"] = error.file
    return error_form(error.reason, str(error), **more)


def status_of(error: errors.SpottedError) -> int:
    """The HTTP status of an error."""
    return next((STATUSES[kind] for kind in type(error).__mro__ if kind in STATUSES), OTHER)


async def answer_error(_: Request, error: Exception) -> Response:
    """The answer to a request that failed on purpose."""
    if not isinstance(error, errors.SpottedError):
        raise error
    return JSONResponse(form_of(error), status_of(error))
