from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import grpc
import pytest

from services.common.access.guard import Guard
from services.common.access.tls import server_credentials
from services.common.access.tokens import KnownCallers, Tokens
from services.common.settings import Security
from services.common.store.store import Store
from services.scorer.__main__ import service
from services.upkeep.certificates import create_authority, issue
from spotted.client import Credentials, Spotted
from spotted.client.credentials import read_token
from spotted.errors import InvalidInputError, PermissionDeniedError, PreconditionError, UnauthenticatedError
from spotted.survey import Survey
from spotted.v1 import access_pb2
from tests.services.serving import running

TOKEN = "spotted_0123456789abcdef_" + "a" * 43


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """A directory with an authority and a certificate that it signed."""
    made = create_authority(days=1)
    signed = issue(made, ["127.0.0.1"], days=1)
    for name, content in (
        ("ca.crt", made.certificate),
        ("tls.crt", signed.certificate),
        ("tls.key", signed.key),
    ):
        (tmp_path / name).write_bytes(content)
    return tmp_path


@pytest.fixture
def address(store: Store, files: Path) -> Iterator[str]:
    """A scorer that asks for TLS on both sides, and for a token."""
    tls = server_credentials(
        Security(certificate=files / "tls.crt", key=files / "tls.key", client_ca=files / "ca.crt")
    )
    with running(service(store), guard=Guard(KnownCallers(Tokens(store))), tls=tls) as served:
        yield served


def client(address: str, credentials: Credentials) -> Spotted:
    return Spotted(embedder=address, scorer=address, sampler=address, credentials=credentials)


def test_a_client_shows_its_token_and_its_certificate(
    address: str, files: Path, store: Store, survey_id: str
) -> None:
    tls = files / "ca.crt", files / "tls.crt", files / "tls.key"
    for role, refused in ((access_pb2.ROLE_WRITE, None), (access_pb2.ROLE_READ, PermissionDeniedError)):
        _, token = Tokens(store).create(organisation="wcs", role=role)
        with client(address, Credentials(token, *tls)) as spotted:
            if refused is None:
                assert spotted.create_survey(Survey(survey_id, 0.0, 1.0)).survey_id == survey_id
            else:
                with pytest.raises(refused, match="role write or higher"):
                    spotted.create_survey(Survey(survey_id, 0.0, 1.0))
            assert survey_id in [survey.survey_id for survey in spotted.surveys()]
    with client(address, Credentials("", *tls)) as spotted, pytest.raises(UnauthenticatedError):
        spotted.survey(survey_id).info()


def test_nothing_shows_the_token() -> None:
    credentials = Credentials(TOKEN, Path("ca.crt"))
    assert TOKEN not in repr(credentials)
    assert TOKEN not in str(credentials)
    assert credentials.headers() == [("authorization", f"Bearer {TOKEN}")]
    assert Credentials().headers() == []


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1:7102",
        "127.1.2.3:7102",
        "localhost:7102",
        "dns:///localhost:7102",
        "ipv4:127.0.0.1:7102",
        "[::1]:7102",
        "ipv6:[::1]:7102",
        "unix:/run/spotted.sock",
    ],
)
def test_on_this_machine_a_token_may_travel_in_the_clear(address: str) -> None:
    assert Credentials(TOKEN).for_channel(address) is None


@pytest.mark.parametrize(
    "address",
    [
        "scorer:7102",
        "dns:///scorer.spotted:7102",
        "10.0.0.1:7102",
        "[fd00::1]:7102",
        "localhost.example.org:7102",
        "dns:///localhost.example.org:7102",
        "127.0.0.1.example.org:7102",
        "127.example.org:7102",
        "ipv4:127.0.0.1:7102,10.0.0.1:7102",
        "",
    ],
)
def test_a_token_does_not_cross_the_network_in_the_clear(files: Path, address: str) -> None:
    with pytest.raises(PreconditionError, match=r"in the clear; .* SPOTTED_TLS_CA") as caught:
        Credentials(TOKEN).for_channel(address)
    assert TOKEN not in str(caught.value)
    assert Credentials().for_channel(address) is None
    assert isinstance(Credentials(TOKEN, files / "ca.crt").for_channel(address), grpc.ChannelCredentials)


@pytest.mark.parametrize("part", ["ca", "certificate", "key"])
def test_a_file_that_cannot_be_read_is_named(files: Path, part: str) -> None:
    named = Credentials("", files / "ca.crt", files / "tls.crt", files / "tls.key")
    with pytest.raises(InvalidInputError, match="missing cannot be read"):
        replace(named, **{part: files / "missing"}).for_channel("scorer:7102")  # type: ignore[arg-type] # a path


@pytest.mark.parametrize("part", ["certificate", "key"])
def test_half_of_a_certificate_is_refused(files: Path, part: str) -> None:
    with pytest.raises(InvalidInputError, match="need each other"):
        replace(Credentials(ca=files / "ca.crt"), **{part: files / "tls.crt"}).for_channel("scorer:7102")  # type: ignore[arg-type] # a path


@pytest.mark.parametrize("token", ["two words", "ends\n", "ä", "a\x00b"])
def test_a_token_that_cannot_travel_is_refused_and_not_repeated(token: str) -> None:
    with pytest.raises(InvalidInputError, match="the token") as caught:
        Credentials(token).for_channel("127.0.0.1:7102")
    assert token not in str(caught.value)


def test_a_token_file_that_is_no_text_is_named_with_its_remedy(tmp_path: Path) -> None:
    path = tmp_path / "token"
    path.write_bytes(bytes([0x80, 0x81]))
    with pytest.raises(InvalidInputError, match=r"is not a token file: it is not text; correct --token-file"):
        read_token(path, "--token-file")
    path.write_text(f"{TOKEN}\n")
    assert read_token(path, "--token-file") == TOKEN
    assert read_token(None, "--token-file") == ""


def test_credentials_load_neither_the_contract_nor_the_calls() -> None:
    code = (
        "import sys, spotted.client.credentials\n"
        "assert not [m for m in sys.modules if m.startswith(('spotted.v1', 'spotted.local', 'numpy'))]"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
