from __future__ import annotations

import logging
import os
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import grpc
import pytest

from services.common.access.outgoing import Line, credentials
from services.common.access.tls import server_credentials
from services.common.settings import Security
from services.upkeep.certificates import create_authority, issue
from spotted.errors import InvalidInputError, PreconditionError
from tests.waiting import PATIENCE_S

KNOCK = "/door/Knock"


@dataclass
class Doorman(grpc.GenericRpcHandler):
    """Answers each call with the token that came, and once more when it is let go."""

    go: threading.Event = field(default_factory=threading.Event)

    def service(
        self, handler_call_details: grpc.HandlerCallDetails
    ) -> grpc.RpcMethodHandler[Any, Any] | None:
        if handler_call_details.method != KNOCK:
            return None
        headers = dict(handler_call_details.invocation_metadata)
        shown = str(headers.get("authorization", "nobody")).encode()

        def answer(_: object, __: object) -> Iterator[bytes]:
            yield shown
            assert self.go.wait(30)
            yield b"still here"

        made: grpc.RpcMethodHandler[Any, Any] = grpc.unary_stream_rpc_method_handler(answer)
        return made


@pytest.fixture
def doorman() -> Doorman:
    return Doorman()


def _served(doorman: Doorman, tls: grpc.ServerCredentials | None) -> Iterator[str]:
    server: Any = grpc.server(ThreadPoolExecutor(4))
    server.add_generic_rpc_handlers((doorman,))
    wanted = "127.0.0.1:0"
    port = server.add_secure_port(wanted, tls) if tls else server.add_insecure_port(wanted)
    server.start()
    yield f"127.0.0.1:{port}"
    doorman.go.set()
    server.stop(1.0).wait()


@pytest.fixture
def address(doorman: Doorman) -> Iterator[str]:
    yield from _served(doorman, None)


@pytest.fixture
def token_file(tmp_path: Path) -> Path:
    path = tmp_path / "token"
    path.write_text("first\n")
    return path


def begun(line: Line) -> Any:  # noqa: ANN401 - a call of gRPC
    """A call of which the first answer has not been taken."""
    call: Any = line.channel().unary_stream(KNOCK)
    return call(b"", timeout=PATIENCE_S)


def shown(line: Line) -> str:
    """The server's view of a new call."""
    call = begun(line)
    answer: bytes = next(call)
    call.cancel()
    return answer.decode()


def replaced(path: Path, content: str) -> None:
    """Replace a file whole, with the times of the one before: only its place on the disk differs."""
    times, new = path.stat(), path.with_suffix(".new")
    new.write_text(content)
    os.utime(new, ns=(times.st_atime_ns, times.st_mtime_ns))
    new.replace(path)


def test_a_line_shows_the_token_of_its_file(address: str, token_file: Path) -> None:
    line = Line(address, Security(token_file=token_file))
    assert shown(line) == "Bearer first"
    line.close()


def test_without_a_token_a_line_shows_nobody(address: str) -> None:
    line = Line(address)
    assert shown(line) == "nobody"
    assert line.channel() is line.channel()
    line.close()


def test_a_token_that_changes_is_shown_from_the_next_call_while_the_one_under_way_goes_on(
    address: str, doorman: Doorman, token_file: Path
) -> None:
    line = Line(address, Security(token_file=token_file))
    under_way = begun(line)
    assert next(under_way) == b"Bearer first"
    kept = line.channel()
    replaced(token_file, "second")
    assert shown(line) == "Bearer second"
    assert line.channel() is not kept
    assert line.channel() is line.channel()
    del kept
    doorman.go.set()
    assert list(under_way) == [b"still here"]
    line.close()


def test_a_token_file_that_is_gone_changes_nothing_and_the_log_says_so(
    address: str, token_file: Path, caplog: pytest.LogCaptureFixture
) -> None:
    line = Line(address, Security(token_file=token_file))
    token_file.unlink()
    assert shown(line) == "Bearer first"
    assert [r.levelno for r in caplog.records] == [logging.ERROR]
    assert f"{token_file} cannot be read" in caplog.text
    token_file.write_text("second")
    assert shown(line) == "Bearer second"
    line.close()


def test_a_certificate_that_changes_is_trusted_from_the_next_call_while_the_one_under_way_goes_on(
    doorman: Doorman, tmp_path: Path
) -> None:
    for name in ("first", "second"):
        made = create_authority(days=1)
        signed = issue(made, ["127.0.0.1"], days=1)
        (tmp_path / f"{name}.ca").write_bytes(made.certificate)
        (tmp_path / f"{name}.crt").write_bytes(signed.certificate)
        (tmp_path / f"{name}.key").write_bytes(signed.key)
    for part in ("ca", "crt", "key"):
        (tmp_path / f"present.{part}").write_bytes((tmp_path / f"first.{part}").read_bytes())
    server = Security(certificate=tmp_path / "present.crt", key=tmp_path / "present.key")
    for address in _served(doorman, server_credentials(server)):
        line = Line(address, Security(ca=tmp_path / "present.ca"))
        under_way = begun(line)
        assert next(under_way) == b"nobody"
        for part in ("ca", "crt", "key"):
            replaced(tmp_path / f"present.{part}", (tmp_path / f"second.{part}").read_text())
        assert shown(line) == "nobody"
        doorman.go.set()
        assert list(under_way) == [b"still here"]
        line.close()


@pytest.mark.parametrize("part", ["ca", "token_file"])
def test_a_line_does_not_begin_with_a_file_that_cannot_be_read(tmp_path: Path, part: str) -> None:
    with pytest.raises(InvalidInputError, match="missing cannot be read"):
        Line("127.0.0.1:1", replace(Security(), **{part: tmp_path / "missing"}))  # type: ignore[arg-type] # a path


def test_a_token_does_not_cross_the_network_in_the_clear(token_file: Path) -> None:
    with pytest.raises(PreconditionError, match="SPOTTED_TLS_CA"):
        Line("scorer:7102", Security(token_file=token_file))


def test_the_own_certificate_is_shown_if_the_other_side_is_known(tmp_path: Path, token_file: Path) -> None:
    certificate, key, ca = (tmp_path / name for name in ("tls.crt", "tls.key", "ca.crt"))
    own = credentials(Security(certificate=certificate, key=key, ca=ca, token_file=token_file))
    assert (own.token, own.ca, own.certificate, own.key) == ("first", ca, certificate, key)
    alone = credentials(Security(certificate=certificate, key=key))
    assert (alone.token, alone.ca, alone.certificate, alone.key) == ("", None, None, None)
