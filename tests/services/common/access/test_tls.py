from __future__ import annotations

import logging
import os
import ssl
import time
from collections.abc import Iterator
from pathlib import Path

import grpc
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization

from services.common.access.tls import check_exposure, is_loopback, server_credentials
from services.common.settings import Security, Settings
from services.common.store.store import Store
from services.scorer.__main__ import service
from services.upkeep.certificates import Signed, create_authority, issue
from spotted.client.calls import open_channel, our_errors
from spotted.client.credentials import NOBODY, Credentials
from spotted.errors import InvalidInputError, PreconditionError, UnavailableError
from spotted.v1 import scorer_pb2
from spotted.v1.scorer_pb2_grpc import ScorerServiceStub
from tests.services.serving import running
from tests.waiting import PATIENCE_S

HOSTS = ("localhost", "127.0.0.1")
FILES = Security(certificate=Path("tls.crt"), key=Path("tls.key"))


class Directory:
    """An authority, and what it signed, as files."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.authority = create_authority(days=10)
        self.ca = self.write("ca.crt", self.authority.certificate)
        self.issue("tls")

    def write(self, name: str, content: bytes) -> Path:
        """Replace a file whole."""
        new = self.path / f"{name}.new"
        new.write_bytes(content)
        return new.replace(self.path / name)

    def issue(self, name: str) -> Signed:
        """A certificate and its key."""
        signed = issue(self.authority, HOSTS, days=5)
        self.write(f"{name}.key", signed.key)
        self.write(f"{name}.crt", signed.certificate)
        return signed

    def security(self, *, mutual: bool = False) -> Security:
        """The settings of a service that uses them."""
        return Security(
            certificate=self.path / "tls.crt",
            key=self.path / "tls.key",
            client_ca=self.ca if mutual else None,
        )


@pytest.fixture
def directory(tmp_path: Path) -> Directory:
    return Directory(tmp_path)


@pytest.fixture
def address(store: Store, directory: Directory) -> Iterator[str]:
    """A scorer with TLS."""
    with running(service(store), tls=server_credentials(directory.security())) as served:
        yield served


def answers(address: str, credentials: Credentials) -> bool:
    """Whether a scorer answers to these credentials; it is asked over a new connection."""
    tls, once = credentials.for_channel(address), [("grpc.enable_retries", 0)]
    channel = (
        grpc.secure_channel(address, tls, options=once)
        if tls
        else grpc.insecure_channel(address, options=once)
    )
    with channel:
        try:
            with our_errors(address):
                ScorerServiceStub(channel).ListSurveys(scorer_pb2.ListSurveysRequest(), timeout=PATIENCE_S)
        except UnavailableError:
            return False
    return True


def serial(address: str) -> int:
    """The serial number of the certificate that a new connection gets."""
    host, _, port = address.rpartition(":")
    shown = ssl.get_server_certificate((host, int(port)), timeout=PATIENCE_S)
    return x509.load_pem_x509_certificate(shown.encode()).serial_number


def serial_of(signed: Signed) -> int:
    return x509.load_pem_x509_certificate(signed.certificate).serial_number


@pytest.mark.parametrize(
    "listen",
    [
        "127.0.0.1:7102",
        "127.8.9.1:7102",
        "localhost:7102",
        "[::1]:7102",
        "unix:/run/spotted.sock",
        "unix:///run/spotted.sock",
    ],
)
def test_addresses_of_this_machine_only(listen: str) -> None:
    assert is_loopback(listen)


@pytest.mark.parametrize(
    "listen",
    [
        "0.0.0.0:7102",
        "[::]:7102",
        "10.0.0.1:7102",
        ":7102",
        "",
        "*:7102",
        "localhost.example.org:7102",
        "127.0.0.1.example.org:7102",
        "scorer:7102",
    ],
)
def test_addresses_that_others_may_reach(listen: str) -> None:
    assert not is_loopback(listen)


@pytest.mark.parametrize(
    ("security", "missing"),
    [
        (Security(), "SPOTTED_TLS_CERT and SPOTTED_TLS_KEY and SPOTTED_AUTH=tokens"),
        (Security(tokens=True), "set SPOTTED_TLS_CERT and SPOTTED_TLS_KEY, or"),
        (FILES, "set SPOTTED_AUTH=tokens, or"),
    ],
)
def test_without_tls_and_tokens_only_this_machine_is_served_and_loudly(
    security: Security, missing: str, caplog: pytest.LogCaptureFixture
) -> None:
    with pytest.raises(PreconditionError, match=missing):
        check_exposure(Settings("0.0.0.0:7102", security=security))
    caplog.set_level(logging.WARNING)
    check_exposure(Settings("127.0.0.1:7102", security=security))
    (record,) = caplog.records
    assert record.levelno == logging.WARNING
    assert record.getMessage().startswith("INSECURE: without ")
    for variable in ("SPOTTED_TLS_CERT", "SPOTTED_AUTH"):
        assert (variable in record.getMessage()) == (variable in missing)


@pytest.mark.parametrize("listen", ["0.0.0.0:7102", "127.0.0.1:7102"])
def test_with_both_every_address_is_served_without_a_word(
    listen: str, caplog: pytest.LogCaptureFixture
) -> None:
    check_exposure(Settings(listen, security=Security(tokens=True, certificate=Path("a"), key=Path("b"))))
    assert not caplog.records


def test_no_certificate_is_no_tls() -> None:
    assert server_credentials(Security(tokens=True)) is None


@pytest.mark.parametrize("name", ["tls.crt", "tls.key", "ca.crt"])
def test_a_file_that_cannot_be_read_is_named_at_the_start(directory: Directory, name: str) -> None:
    (directory.path / name).unlink()
    with pytest.raises(InvalidInputError, match=f"{name} cannot be read"):
        server_credentials(directory.security(mutual=True))


def test_who_trusts_the_authority_is_served_and_nobody_else(
    address: str, directory: Directory, tmp_path_factory: pytest.TempPathFactory
) -> None:
    assert answers(address, Credentials(ca=directory.ca))
    other = Directory(tmp_path_factory.mktemp("other"))
    assert not answers(address, Credentials(ca=other.ca))
    assert not answers(address, NOBODY)


def test_mutual_tls_asks_for_a_certificate_of_the_authority(
    store: Store, directory: Directory, tmp_path_factory: pytest.TempPathFactory
) -> None:
    directory.issue("client")
    other = Directory(tmp_path_factory.mktemp("other"))
    with running(service(store), tls=server_credentials(directory.security(mutual=True))) as address:
        own = directory.path / "client.crt", directory.path / "client.key"
        assert answers(address, Credentials("", directory.ca, *own))
        assert not answers(address, Credentials(ca=directory.ca))
        theirs = other.path / "tls.crt", other.path / "tls.key"
        assert not answers(address, Credentials("", directory.ca, *theirs))


def test_a_certificate_that_changes_on_disk_is_shown_to_the_next_who_connects(
    address: str, directory: Directory, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, logger="spotted")
    before = serial(address)
    with open_channel(address, Credentials(ca=directory.ca)) as open_before:
        stub = ScorerServiceStub(open_before)
        stub.ListSurveys(scorer_pb2.ListSurveysRequest(), timeout=PATIENCE_S)
        renewed = directory.issue("tls")
        assert serial(address) == serial_of(renewed) != before
        assert "the certificate was read again" in caplog.text
        # who is connected stays so
        stub.ListSurveys(scorer_pb2.ListSurveysRequest(), timeout=PATIENCE_S)
    assert answers(address, Credentials(ca=directory.ca))


def test_an_authority_of_clients_that_changes_is_asked_for_from_then_on(
    store: Store, directory: Directory, tmp_path_factory: pytest.TempPathFactory
) -> None:
    directory.issue("client")
    other = Directory(tmp_path_factory.mktemp("other"))
    own = directory.path / "client.crt", directory.path / "client.key"
    theirs = other.path / "tls.crt", other.path / "tls.key"
    ca = directory.path / "servers.crt"
    ca.write_bytes(directory.authority.certificate)
    with running(service(store), tls=server_credentials(directory.security(mutual=True))) as address:
        directory.write("ca.crt", other.authority.certificate)
        assert answers(address, Credentials("", ca, *theirs))
        assert not answers(address, Credentials("", ca, *own))


def damages() -> dict[str, bytes | None]:
    other = issue(create_authority(days=1), HOSTS, days=1)
    return {"no PEM": b"nonsense", "gone": None, "empty": b"", "another key's": other.certificate}


@pytest.mark.parametrize("damage", ["no PEM", "gone", "empty", "another key's"])
def test_a_damaged_certificate_is_not_taken_and_the_log_says_so(
    address: str, directory: Directory, damage: str, caplog: pytest.LogCaptureFixture
) -> None:
    before = serial(address)
    content = damages()[damage]
    if content is None:
        (directory.path / "tls.crt").unlink()
    else:
        directory.write("tls.crt", content)
    assert serial(address) == before
    assert answers(address, Credentials(ca=directory.ca))
    errors = [r for r in caplog.records if r.levelno == logging.ERROR]
    assert errors
    assert all("the new certificate is not used" in record.getMessage() for record in errors)
    # a sound one afterwards is
    renewed = directory.issue("tls")
    assert serial(address) == serial_of(renewed)


def test_a_file_that_was_only_touched_changes_nothing(
    address: str, directory: Directory, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, logger="spotted")
    before = serial(address)
    os.utime(directory.path / "tls.crt", (time.time() + 10,) * 2)
    assert serial(address) == before
    assert "read again" not in caplog.text


@pytest.mark.parametrize("name", ["tls.crt", "tls.key", "ca.crt"])
def test_a_damaged_file_is_refused_at_the_start(directory: Directory, name: str) -> None:
    directory.write(name, b"nonsense")
    with pytest.raises(InvalidInputError, match=f"{name}.* correct SPOTTED_TLS_CERT"):
        server_credentials(directory.security(mutual=True))


def test_a_locked_key_is_refused_instead_of_asked_about(directory: Directory) -> None:
    key = serialization.load_pem_private_key(directory.authority.key, password=None)
    locked = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.BestAvailableEncryption(b"secret"),
    )
    directory.write("tls.key", locked)
    with pytest.raises(InvalidInputError, match=r"tls\.key"):
        server_credentials(directory.security())
