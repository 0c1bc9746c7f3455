"""A client that speaks HTTP/2 by hand, so that it can send a part of a message and stop."""

from __future__ import annotations

import socket
import struct
from collections.abc import Iterator
from contextlib import contextmanager

from tests.waiting import PATIENCE_S

DATA, HEADERS, RST_STREAM, SETTINGS, PING, GOAWAY, WINDOW_UPDATE = 0, 1, 3, 4, 6, 7, 8
END_STREAM, END_HEADERS, ACK = 1, 4, 1
FRAME_BYTES = 16_384
INITIAL_WINDOW = 65_535
# settings of the server
MAX_STREAMS, INITIAL_WINDOW_SIZE = 3, 4


class HalfSent:
    """One connection with calls on it, each a stream with an odd number."""

    def __init__(self, address: str) -> None:
        host, _, port = address.rpartition(":")
        self.socket = socket.create_connection((host, int(port)), timeout=PATIENCE_S)
        self.socket.sendall(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + frame(SETTINGS, 0, 0, b""))
        self._next = 1
        self._room = {0: INITIAL_WINDOW}
        self._initial = INITIAL_WINDOW
        self.ended: set[int] = set()
        self.most_streams: int | None = None
        """Calls that the server takes at once on this connection; None until it has said so."""

    def call(self, path: str) -> int:
        """Begin a call; returns its stream."""
        stream, self._next = self._next, self._next + 2
        fields = (
            (":method", "POST"),
            (":scheme", "http"),
            (":path", path),
            (":authority", "localhost"),
            ("content-type", "application/grpc"),
            ("te", "trailers"),
        )
        block = b"".join(b"\x00" + text(name) + text(value) for name, value in fields)
        self.socket.sendall(frame(HEADERS, END_HEADERS, stream, block))
        self._room[stream] = self._initial
        return stream

    def begin_message(self, stream: int, announced: int, sent: int) -> None:
        """Announce a message of some bytes and send only a part of it, as fast as the server takes it."""
        content = struct.pack(">BI", 0, announced) + bytes(sent)
        while content:
            room = min(self._room[0], self._room[stream], FRAME_BYTES)
            if room <= 0:
                self.read_frame()
                continue
            part, content = content[:room], content[room:]
            self.socket.sendall(frame(DATA, 0, stream, part))
            self._room[0] -= len(part)
            self._room[stream] -= len(part)

    def until_settings(self) -> None:
        """Read until the server has sent its settings. Raises ConnectionError if it closes instead."""
        while self.most_streams is None:
            self.read_frame()

    def until_ended(self, stream: int) -> None:
        """Read until the server has ended a call. Raises TimeoutError, ConnectionError."""
        while stream not in self.ended:
            self.read_frame()

    def read_frame(self) -> int:
        """Read one frame and answer it; returns its kind."""
        header = self._read(9)
        length, kind = int.from_bytes(header[:3], "big"), header[3]
        flags, stream = header[4], int.from_bytes(header[5:], "big") & 0x7FFF_FFFF
        content = self._read(length)
        if kind == SETTINGS and not flags & ACK:
            self._settings(content)
            self.socket.sendall(frame(SETTINGS, ACK, 0, b""))
        elif kind == PING and not flags & ACK:
            self.socket.sendall(frame(PING, ACK, 0, content))
        elif kind == WINDOW_UPDATE:
            self._room[stream] = self._room.get(stream, self._initial) + int.from_bytes(content, "big")
        elif kind == GOAWAY:
            message = "the server closes the connection"
            raise ConnectionError(message)
        if kind == RST_STREAM or (kind in {HEADERS, DATA} and flags & END_STREAM):
            self.ended.add(stream)
        return kind

    def _settings(self, content: bytes) -> None:
        for name, value in struct.iter_unpack(">HI", content):
            if name == MAX_STREAMS:
                self.most_streams = value
            if name == INITIAL_WINDOW_SIZE:
                for stream in self._room:
                    self._room[stream] += value - self._initial if stream else 0
                self._initial = value

    def _read(self, count: int) -> bytes:
        content = b""
        while len(content) < count:
            part = self.socket.recv(count - len(content))
            if not part:
                message = "the server closed the connection"
                raise ConnectionError(message)
            content += part
        return content


@contextmanager
def half_sent(address: str) -> Iterator[HalfSent]:
    """A connection that is closed when the context ends."""
    client = HalfSent(address)
    try:
        yield client
    finally:
        client.socket.close()


def frame(kind: int, flags: int, stream: int, content: bytes) -> bytes:
    """One frame."""
    return len(content).to_bytes(3, "big") + bytes([kind, flags]) + stream.to_bytes(4, "big") + content


def text(value: str) -> bytes:
    """A text of a header, shorter than 127 bytes and not compressed."""
    return bytes([len(value)]) + value.encode()
