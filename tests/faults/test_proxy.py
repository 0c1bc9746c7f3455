"""The proxy of the fault tests does what it says."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator

import pytest

from tests.faults.proxy import CALM, Proxy, Weather

TIMEOUT_S = 10.0


@pytest.fixture
def echo() -> Iterator[str]:
    """The address of a server that sends back what it gets."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        closed = threading.Event()

        def serve(connection: socket.socket) -> None:
            with connection:
                try:
                    while part := connection.recv(65536):
                        connection.sendall(part)
                except OSError:
                    return

        def accept() -> None:
            while not closed.is_set():
                try:
                    connection, _ = server.accept()
                except OSError:
                    return
                threading.Thread(target=serve, args=(connection,), daemon=True).start()

        threading.Thread(target=accept, daemon=True).start()
        yield f"127.0.0.1:{server.getsockname()[1]}"
        closed.set()
        server.shutdown(socket.SHUT_RDWR)


@pytest.fixture
def proxy(echo: str) -> Iterator[Proxy]:
    with Proxy(echo) as made:
        yield made


def connected(proxy: Proxy) -> socket.socket:
    return socket.create_connection(("127.0.0.1", proxy.port), timeout=TIMEOUT_S)


def echoed(connection: socket.socket, content: bytes) -> bytes:
    connection.sendall(content)
    got = b""
    while len(got) < len(content) and (part := connection.recv(65536)):
        got += part
    return got


def test_bytes_pass_unaltered_in_calm_weather(proxy: Proxy) -> None:
    content = bytes(range(256)) * 4096
    with connected(proxy) as connection:
        assert echoed(connection, content) == content


@pytest.mark.parametrize(
    ("weather", "at_least_s"),
    [
        (Weather(delay_s=0.1), 0.2),
        (Weather(bytes_per_s=50_000), 0.2),
        (Weather(lost_share=1.0, resent_s=0.1), 0.2),
    ],
)
def test_bytes_come_late_and_whole(proxy: Proxy, weather: Weather, at_least_s: float) -> None:
    with connected(proxy) as connection:
        echoed(connection, b"begun")
        proxy.weather = weather
        begun_s = time.monotonic()
        assert echoed(connection, b"x" * 5000) == b"x" * 5000
        assert time.monotonic() - begun_s >= at_least_s


def test_a_silent_proxy_takes_everything_and_answers_nothing(proxy: Proxy) -> None:
    with connected(proxy) as connection:
        assert echoed(connection, b"one") == b"one"
        proxy.weather = Weather(silent=True)
        connection.sendall(b"two")
        connection.settimeout(0.2)
        with pytest.raises(TimeoutError):
            connection.recv(1)
        with connected(proxy) as other:
            other.sendall(b"taken")


def test_a_cut_resets_after_a_number_of_bytes(proxy: Proxy) -> None:
    proxy.weather = Weather(cut_after=2)
    with connected(proxy) as connection:
        assert echoed(connection, b"ab") == b"ab"
        with pytest.raises(ConnectionResetError):
            echoed(connection, b"c")


def test_a_reset_ends_what_is_open_and_lets_others_in(proxy: Proxy) -> None:
    with connected(proxy) as connection:
        echoed(connection, b"one")
        proxy.reset()
        with pytest.raises(ConnectionResetError):
            connection.recv(1)
    with connected(proxy) as again:
        assert echoed(again, b"two") == b"two"


def test_a_proxy_that_refuses_is_found_again_at_its_port(proxy: Proxy) -> None:
    proxy.refuse()
    with pytest.raises(ConnectionRefusedError):
        connected(proxy)
    proxy.accept()
    proxy.weather = CALM
    with connected(proxy) as connection:
        assert echoed(connection, b"back") == b"back"
