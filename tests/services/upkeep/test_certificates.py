from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from services.upkeep.certificates import Signed, create_authority, issue
from tests.services.upkeep.handshakes import greets

HOSTS = ("scorer.spotted.svc", "localhost", "127.0.0.1", "::1")


def written(path: Path, signer: Signed, signed: Signed) -> Path:
    path.mkdir()
    for name, content in (
        ("ca.crt", signer.certificate),
        ("tls.crt", signed.certificate),
        ("tls.key", signed.key),
    ):
        (path / name).write_bytes(content)
    return path


@pytest.fixture(scope="module")
def signer() -> Signed:
    return create_authority(days=30)


@pytest.mark.parametrize("host", HOSTS)
def test_every_host_is_greeted_under_its_name(tmp_path: Path, signer: Signed, host: str) -> None:
    directory = written(tmp_path / "own", signer, issue(signer, HOSTS, days=5))
    assert greets(directory, host, ca=directory / "ca.crt")


@pytest.mark.parametrize("host", ["embedder.spotted.svc", "127.0.0.2", "spotted.svc"])
def test_no_other_host_is(tmp_path: Path, signer: Signed, host: str) -> None:
    directory = written(tmp_path / "own", signer, issue(signer, HOSTS, days=5))
    assert not greets(directory, host, ca=directory / "ca.crt")


def test_another_authority_of_the_same_name_is_not_trusted(tmp_path: Path, signer: Signed) -> None:
    other = create_authority(days=30)
    directory = written(tmp_path / "own", signer, issue(signer, HOSTS, days=5))
    theirs = written(tmp_path / "theirs", other, issue(other, HOSTS, days=5))
    assert not greets(directory, "localhost", ca=theirs / "ca.crt")
    assert greets(directory, "localhost", ca=directory / "ca.crt", own=directory)
    assert not greets(directory, "localhost", ca=directory / "ca.crt", own=theirs)


def test_one_that_was_issued_signs_no_others(tmp_path: Path, signer: Signed) -> None:
    between = issue(signer, HOSTS, days=5)
    chained = issue(between, HOSTS, days=5)
    chained = Signed(chained.certificate + between.certificate, chained.key)
    directory = written(tmp_path / "own", signer, chained)
    assert not greets(directory, "localhost", ca=directory / "ca.crt")


def test_one_that_ended_is_not_trusted(tmp_path: Path, signer: Signed) -> None:
    directory = written(tmp_path / "own", signer, issue(signer, HOSTS, days=0))
    assert not greets(directory, "localhost", ca=directory / "ca.crt")


def test_it_is_valid_for_the_days_asked_and_a_little_before(signer: Signed) -> None:
    now = datetime.now(UTC)
    made = x509.load_pem_x509_certificate(issue(signer, HOSTS, days=5).certificate)
    assert timedelta(0) < now - made.not_valid_before_utc < timedelta(minutes=10)
    assert abs(made.not_valid_after_utc - now - timedelta(days=5)) < timedelta(minutes=1)


def test_no_two_have_one_serial_number_or_key(signer: Signed) -> None:
    made = [issue(signer, HOSTS, days=1) for _ in range(5)]
    assert len({x509.load_pem_x509_certificate(one.certificate).serial_number for one in made}) == 5
    assert len({one.key for one in made}) == 5


def test_an_authority_of_another_kind_is_refused(signer: Signed) -> None:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    content = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    with pytest.raises(TypeError, match="not made by `create_authority`"):
        issue(Signed(signer.certificate, content), HOSTS, days=1)
