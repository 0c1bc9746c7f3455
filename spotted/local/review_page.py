"""The review page as a process of this machine."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path

ROLE = "review"
# of the extra `review`
PACKAGES = ("starlette", "uvicorn", "cryptography", "greenlet")
INSTALL = "pip install 'spotted[review]'"
HOSTS = "SPOTTED_REVIEW_HOSTS"


def missing_packages() -> list[str]:
    """The packages that the page needs and that are not installed."""
    return [name for name in PACKAGES if find_spec(name) is None]


def settings(
    directory: Path, port: int, addresses: Mapping[str, str], inherited: Mapping[str, str]
) -> dict[str, str]:
    """The settings of the page.

    addresses: those of the services by name. inherited: variables of this process, which the page gets too.
    """
    names = {} if HOSTS in inherited else {HOSTS: f"127.0.0.1:{port},localhost:{port}"}
    return {
        "SPOTTED_LISTEN": f"127.0.0.1:{port}",
        "SPOTTED_DATA_DIR": str(directory.resolve()),
        **{f"SPOTTED_{service.upper()}_ADDRESS": address for service, address in addresses.items()},
        **names,
    }
