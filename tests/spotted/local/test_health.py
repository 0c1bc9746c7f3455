from __future__ import annotations

import socket
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

from services.common.store.store import Store
from spotted.local.health import accepts, serving, shows_page
from tests.spotted.client.surveys import serving as services


class Page(BaseHTTPRequestHandler):
    status = 200

    def do_GET(self) -> None:
        self.send_response(self.status if self.path == "/healthz" else 404)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


def test_nothing_answers_if_nothing_listens() -> None:
    for answers in (accepts, serving, shows_page):
        assert not answers("127.0.0.1:1")


def test_a_page_is_shown_if_its_health_is_good() -> None:
    with HTTPServer(("127.0.0.1", 0), Page) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        address = f"127.0.0.1:{server.server_port}"
        assert shows_page(address)
        assert accepts(address)
        assert not serving(address)
        server.shutdown()


def test_who_listens_and_says_nothing_shows_no_page() -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        address = f"127.0.0.1:{silent.getsockname()[1]}"
        assert accepts(address)
        assert not shows_page(address, timeout_s=0.05)


def test_a_service_of_these_tests_has_no_health(store: Store) -> None:
    with services(store) as spotted:
        assert accepts(spotted.connection.scorer.address)
        assert not serving(spotted.connection.scorer.address)
