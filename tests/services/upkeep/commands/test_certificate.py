from __future__ import annotations

import stat
from pathlib import Path

import pytest
from click.testing import Result
from cryptography import x509

from services.upkeep.commands import certificate
from tests.services.upkeep.console import invoke
from tests.services.upkeep.handshakes import greets


def create(directory: Path, *arguments: str) -> Result:
    return invoke(certificate.certificate, ["certificate", "create", "--output", str(directory), *arguments])


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_the_files_serve_tls_and_only_owners_read_the_keys(tmp_path: Path) -> None:
    directory = tmp_path / "new" / "tls"
    done = create(directory)
    assert done.exit_code == 0
    assert "for localhost, 127.0.0.1, valid for 90 days" in done.stdout
    assert sorted(path.name for path in directory.iterdir()) == ["ca.crt", "ca.key", "tls.crt", "tls.key"]
    assert greets(directory, "localhost", ca=directory / "ca.crt", own=directory)
    assert (mode(directory / "ca.key"), mode(directory / "tls.key")) == (0o600, 0o600)
    assert "PRIVATE" not in (directory / "ca.crt").read_text() + (directory / "tls.crt").read_text()
    assert "PRIVATE" not in done.output


def test_hosts_and_days_are_those_asked_for(tmp_path: Path) -> None:
    assert create(tmp_path, "--host", "scorer", "--host", "10.1.2.3", "--days", "7").exit_code == 0
    assert greets(tmp_path, "scorer", ca=tmp_path / "ca.crt")
    assert greets(tmp_path, "10.1.2.3", ca=tmp_path / "ca.crt")
    assert not greets(tmp_path, "localhost", ca=tmp_path / "ca.crt")
    made = x509.load_pem_x509_certificate((tmp_path / "tls.crt").read_bytes())
    assert (made.not_valid_after_utc - made.not_valid_before_utc).days == 7


def test_a_repeat_renews_the_certificate_under_the_same_authority(tmp_path: Path) -> None:
    create(tmp_path)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    assert create(tmp_path).exit_code == 0
    after = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    assert {name for name in before if before[name] != after[name]} == {"tls.crt", "tls.key"}
    assert after.keys() == before.keys()
    assert greets(tmp_path, "localhost", ca=tmp_path / "ca.crt")


@pytest.mark.parametrize("gone", ["ca.key", "ca.crt"])
def test_an_authority_that_is_half_there_is_not_replaced(tmp_path: Path, gone: str) -> None:
    create(tmp_path)
    (tmp_path / gone).unlink()
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    done = create(tmp_path)
    assert done.exit_code == 6
    assert "restore the other file" in done.stderr
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


@pytest.mark.parametrize("days", ["0", "-1", "many"])
def test_days_that_cannot_be_are_a_wrong_use(tmp_path: Path, days: str) -> None:
    assert create(tmp_path, "--days", days).exit_code == 2
    assert not list(tmp_path.iterdir())
