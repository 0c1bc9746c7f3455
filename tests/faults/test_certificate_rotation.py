"""Certificates change on disk while calls go on: no call fails, and new connections see the new ones."""

from __future__ import annotations

import ssl
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from services.common.access.tokens import Tokens
from services.common.store.store import Store
from services.upkeep.certificates import Signed, create_authority, issue
from spotted.client import Credentials, Spotted
from spotted.local import processes
from spotted.v1 import access_pb2
from tests.services import forked
from tests.waiting import until

ROTATIONS = 25
# calls that each rotation lets through, over old connections and new ones
CALLS_EACH = 6


@dataclass
class Secured:
    """A scorer behind TLS, its files, and a client's credentials."""

    directory: Path
    signer: Signed
    address: str
    credentials: Credentials

    def rotate(self) -> bytes:
        """A new certificate and key in the place of the old ones; answers the certificate."""
        made = issue(self.signer, ["127.0.0.1"], days=1)
        # the key first: between the two writes the pair does not fit, and the one before is served
        for name, content in (("key.pem", made.key), ("cert.pem", made.certificate)):
            new = self.directory / f"{name}.new"
            new.write_bytes(content)
            new.replace(self.directory / name)
        return made.certificate

    def client(self) -> Spotted:
        """A client with connections of its own."""
        names = dict.fromkeys(("embedder", "scorer", "sampler"), self.address)
        return Spotted(**names, credentials=self.credentials)  # type: ignore[arg-type] # only addresses


@pytest.fixture
def secured(store: Store, tmp_path: Path) -> Iterator[Secured]:
    signer = create_authority(days=1)
    (tmp_path / "ca.pem").write_bytes(signer.certificate)
    token = Tokens(store).create(organisation="rotation", role=access_pb2.ROLE_READ)[1]
    port, health = processes.free_port(), processes.free_port()
    made = Secured(
        tmp_path, signer, f"{processes.LOOPBACK}:{port}", Credentials(token, ca=tmp_path / "ca.pem")
    )
    made.rotate()
    settings = {
        "SPOTTED_AUTH": "tokens",
        "SPOTTED_TLS_CERT": str(tmp_path / "cert.pem"),
        "SPOTTED_TLS_KEY": str(tmp_path / "key.pem"),
        "SPOTTED_HEALTH_LISTEN": f"{processes.LOOPBACK}:{health}",
    }
    member = forked.start_service("scorer", tmp_path, port, store.url, "", settings)
    processes.wait(replace(member, port=health), tmp_path / "scorer.log")
    yield made
    processes.end(member)


@dataclass
class Calls:
    """Threads that call until stopped, and the results of the calls."""

    work: list[Callable[[], None]]
    answered: int = 0
    failures: list[Exception] = field(default_factory=list)
    _stop: threading.Event = field(default_factory=threading.Event)

    def run(self, meanwhile: Callable[[], None]) -> None:
        """Call while something else happens."""
        threads = [threading.Thread(target=self._repeat, args=(work,)) for work in self.work]
        for thread in threads:
            thread.start()
        try:
            meanwhile()
        finally:
            self._stop.set()
            for thread in threads:
                thread.join()

    def until_answered(self, more: int) -> None:
        """Wait until a number of further calls has ended."""
        goal = self.answered + more
        until(lambda: self.answered >= goal, f"{more} more calls end")

    def _repeat(self, work: Callable[[], None]) -> None:
        while not self._stop.is_set():
            try:
                work()
            except Exception as error:  # noqa: BLE001 - counted, and reported by the test
                self.failures.append(error)
            self.answered += 1


def test_no_call_fails_while_certificates_change_and_new_connections_see_the_last(secured: Secured) -> None:
    last = [b""]

    def rotate() -> None:
        for _ in range(ROTATIONS):
            last[0] = secured.rotate()
            calls.until_answered(CALLS_EACH)

    with secured.client() as lasting:

        def over_one_connection() -> None:
            assert list(lasting.surveys()) == []

        def over_a_new_one() -> None:
            with secured.client() as fresh:
                assert list(fresh.surveys()) == []

        calls = Calls([over_one_connection, over_a_new_one, over_a_new_one])
        calls.run(rotate)
    assert calls.failures == []
    assert calls.answered > ROTATIONS
    host, port = secured.address.split(":")
    served = ssl.get_server_certificate((host, int(port)))
    assert ssl.PEM_cert_to_DER_cert(served) == ssl.PEM_cert_to_DER_cert(last[0].decode())
    assert "was read again" in (secured.directory / "scorer.log").read_text()
