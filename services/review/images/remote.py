"""Photographs of listed hosts, by https and without redirects, so that no address leads elsewhere."""

from __future__ import annotations

import http.client
from urllib.parse import quote, urlsplit

from services.review.forms.errors import ImageMissingError

TIMEOUT_S = 20.0
MOST_BYTES = 64 << 20


def allowed(url: str, name: str, hosts: tuple[str, ...]) -> str:
    """The address if it may be fetched. Raises ImageMissingError."""
    parts = urlsplit(url)
    if parts.scheme != "https" or parts.netloc.lower() not in hosts:
        raise ImageMissingError(
            f"the photograph {name!r} lies on another host, which this page does not ask; the operator can "
            "allow it by SPOTTED_REVIEW_IMAGE_HOSTS",
            file=name,
        )
    return url


def fetch(url: str, name: str) -> bytes:
    """The content of an allowed address. Raises ImageMissingError."""
    parts = urlsplit(url)
    target = quote(parts.path or "/", safe="/%") + (f"?{parts.query}" if parts.query else "")
    connection = http.client.HTTPSConnection(parts.netloc, timeout=TIMEOUT_S)
    try:
        connection.request("GET", target)
        response = connection.getresponse()
        content = response.read(MOST_BYTES + 1)
    except (OSError, http.client.HTTPException) as error:
        raise ImageMissingError(
            f"the photograph {name!r} could not be fetched from {parts.hostname} ({error}); try again later",
            file=name,
        ) from error
    finally:
        connection.close()
    if response.status != http.client.OK or len(content) > MOST_BYTES:
        raise ImageMissingError(
            f"the photograph {name!r} could not be fetched from {parts.hostname} (status {response.status}); "
            "ask its operator",
            file=name,
        )
    return content
