"""Fluentd's forward protocol v1: events to bytes, and a connection that waits for the ack.

Specification: https://github.com/fluent/fluentd/wiki/Forward-Protocol-Specification-v1.
"""

from __future__ import annotations

import base64
import secrets
import socket
import struct
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from boxkite.live.record import plain

__all__ = ["ForwardConnection", "chunk_id", "event", "message", "packed_forward"]

_NANOSECONDS = 1_000_000_000
_MAX_ACK_BYTES = 4096
_EVENT_TIME = 0  # the extension type of MessagePack that holds seconds and nanoseconds


def event(created_at: int, record: Mapping[str, Any], *, nanoseconds: bool = True) -> bytes:
    """Return one entry, the pair of a time and a record.

    Values that are not of JSON's types, but bytes, are written as such: numpy's as Python's,
    moments as ISO 8601 text.

    Args:
        created_at: nanoseconds since 1970, UTC.
        record: its fields.
        nanoseconds: send the time as EventTime; False for whole seconds, as fluentd before 0.14
            has it.
    """
    seconds, rest = divmod(created_at, _NANOSECONDS)
    time: Any = seconds
    if nanoseconds:
        time = msgspec.msgpack.Ext(_EVENT_TIME, struct.pack(">II", seconds, rest))
    fields = msgspec.to_builtins(plain(record), builtin_types=(bytes,), str_keys=True)
    return msgspec.msgpack.encode((time, fields))


def message(tag: str, entry: bytes) -> bytes:
    """Return an entry in Message mode: one array of tag, time and record."""
    return b"\x93" + msgspec.msgpack.encode(tag) + entry[1:]  # without the head of its own array


def chunk_id() -> str:
    """Return a new id of a chunk, by which the receiver acknowledges it."""
    return base64.b64encode(secrets.token_bytes(16)).decode()


def packed_forward(tag: str, entries: Sequence[bytes], chunk: str) -> bytes:
    """Return entries in PackedForward mode, with the id whose acknowledgement is asked for."""
    option = {"size": len(entries), "chunk": chunk}
    return msgspec.msgpack.encode((tag, b"".join(entries), option))


class ForwardConnection:
    """A connection to a receiver, opened at the first send and again after a failure.

    Args:
        host: name or address, or `unix://` and the path of a socket.
        port: of TCP.
        timeout: seconds that each of connecting, sending and acknowledging may take.
    """

    def __init__(self, host: str, port: int, timeout: float) -> None:
        self._host = host
        self._port = port
        self._timeout = timeout
        self._socket: socket.socket | None = None

    def send(self, content: bytes, chunk: str) -> None:
        """Send one message and wait until the receiver acknowledges its chunk.

        Raises:
            OSError: if it does not; the connection is closed, and the message may be sent again.
        """
        try:
            if self._socket is None:
                self._socket = self._connect()
            self._socket.sendall(content)
            answer = self._receive(self._socket)
            if answer != {"ack": chunk}:
                raise ConnectionError(f"it acknowledged another chunk: {answer!r}")
        except BaseException:
            self.close()
            raise

    def _connect(self) -> socket.socket:
        if not self._host.startswith("unix://"):
            return socket.create_connection((self._host, self._port), self._timeout)
        local = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            local.settimeout(self._timeout)
            local.connect(self._host.removeprefix("unix://"))
        except BaseException:
            local.close()
            raise
        return local

    def _receive(self, connection: socket.socket) -> Any:
        """Return the next value that the receiver sends."""
        received = b""
        while len(received) < _MAX_ACK_BYTES:
            part = connection.recv(_MAX_ACK_BYTES)
            if not part:
                raise ConnectionError("it closed the connection without an acknowledgement")
            received += part
            try:
                return msgspec.msgpack.decode(received)
            except msgspec.DecodeError:
                continue  # the rest is still on its way
        raise ConnectionError("its answer is no acknowledgement")

    def close(self) -> None:
        """Close the connection; the next send opens another."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None
