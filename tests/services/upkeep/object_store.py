"""A real S3 server as a process on loopback."""

from __future__ import annotations

import os
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from spotted.local import processes
from tests.waiting import until


@contextmanager
def serving(directory: Path) -> Iterator[dict[str, str]]:
    """A server with the bucket `backups`; yields the settings by which it is reached."""
    address = f"http://{processes.LOOPBACK}:{(port := processes.free_port())}"
    command = [sys.executable, "-W", "ignore", "-m", "moto.server", "--port", str(port)]
    with (directory / "s3.log").open("wb") as log:
        server = subprocess.Popen(command, stdout=log, stderr=log, env=dict(os.environ))
    request = urllib.request.Request(f"{address}/backups", method="PUT")  # noqa: S310 - loopback

    def created() -> bool:
        assert server.poll() is None, (directory / "s3.log").read_text()
        try:
            with urllib.request.urlopen(request) as answer:  # noqa: S310 - loopback
                return bool(answer.status == 200)
        except OSError:
            return False

    try:
        until(created, "the S3 server answers")
        yield {
            "aws_endpoint": address,
            "aws_access_key_id": "someone",
            "aws_secret_access_key": "hidden",
            "aws_region": "us-east-1",
        }
    finally:
        server.kill()
        server.wait()
