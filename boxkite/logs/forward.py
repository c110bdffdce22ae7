"""Fluentd's forward protocol v1: events to bytes, and a connection that waits for the ack.

Specification: https://github.com/fluent/fluentd/wiki/Forward-Protocol-Specification-v1.
"""

from __future__ import annotations

import base64
import os
import secrets
import socket
import ssl
import struct
import time
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from boxkite.live.record import plain
from boxkite.logs.handshake import Credentials, shake_hands
from boxkite.logs.stream import dial, is_spent, receive, remaining, send

__all__ = [
    "ForwardConnection",
    "chunk_id",
    "entry",
    "event",
    "message",
    "packed_forward",
]

_NANOSECONDS = 1_000_000_000
_EVENT_TIME = 0  # the extension type of MessagePack that holds seconds and nanoseconds


def entry(created_at: int, record: object, *, nanoseconds: bool = True) -> bytes:
    """Return one entry, the pair of a time and a record.

    Args:
        created_at: nanoseconds since 1970, UTC.
        record: its fields, all of which MessagePack can hold.
        nanoseconds: send the time as EventTime; False for whole seconds, as fluentd before 0.14
            has it.

    Raises:
        Exception: if the record cannot be encoded, or EventTime cannot hold the time: it is
            before 1970 or after 2106.
    """
    seconds, rest = divmod(created_at, _NANOSECONDS)
    moment: Any = seconds
    if nanoseconds:
        moment = msgspec.msgpack.Ext(_EVENT_TIME, struct.pack(">II", seconds, rest))
    return msgspec.msgpack.encode((moment, record))


def event(created_at: int, record: Mapping[str, Any], *, nanoseconds: bool = True) -> bytes:
    """Return the entry of any record: numpy's values become Python's, moments ISO 8601 text."""
    fields = msgspec.to_builtins(plain(record), builtin_types=(bytes,), str_keys=True)
    return entry(created_at, fields, nanoseconds=nanoseconds)


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

    In a forked process it opens one of its own.

    Args:
        host: name or address, or `unix://` and the path of a socket.
        port: of TCP.
        timeout: seconds that each of connecting, sending and acknowledging may take; connecting
            includes TLS and the handshake, but not the search for the host's addresses.
        credentials: for the handshake; None if the receiver asks for none.
        tls: the certificates to trust and to show; None for a connection that is not encrypted.
    """

    def __init__(
        self,
        host: str,
        port: int,
        timeout: float,
        *,
        credentials: Credentials | None = None,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._host = host
        self._port = port
        self._timeout = timeout
        self._credentials = credentials
        self._tls = tls
        self._socket: socket.socket | None = None
        self._process = 0
        self._reusable = True

    def send(self, content: bytes, chunk: str) -> None:
        """Send one message and wait until the receiver acknowledges its chunk.

        Raises:
            OSError: if it does not; the connection is closed, and the message may be sent again.
        """
        try:
            connection = self._open()
            send(connection, content, self._deadline())
            answer = receive(connection, _answers, self._deadline())
            _check(answer, chunk)
        except BaseException:
            self.close()
            raise
        if not self._reusable:
            self.close()

    def _deadline(self) -> float:
        return time.monotonic() + self._timeout

    def _open(self) -> socket.socket:
        """Return the connection that there is, if it is still good, else a new one."""
        if self._socket is not None and (self._process != os.getpid() or is_spent(self._socket)):
            self.close()
        if self._socket is None:
            self._process = os.getpid()
            self._socket = self._connect(self._deadline())
        return self._socket

    def _connect(self, deadline: float) -> socket.socket:
        connection = dial(self._host, self._port, deadline)
        try:
            if self._tls is not None:
                connection.settimeout(remaining(deadline))
                connection = self._tls.wrap_socket(connection, server_hostname=self._host)
            if self._credentials is not None:
                self._reusable = shake_hands(connection, self._credentials, deadline)
        except BaseException:
            connection.close()
            raise
        return connection

    def close(self) -> None:
        """Close the connection; the next send opens another."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None


_answers: msgspec.msgpack.Decoder[Any] = msgspec.msgpack.Decoder()


def _check(answer: Any, chunk: str) -> None:
    if isinstance(answer, dict) and answer.get("ack") == chunk:
        return
    if isinstance(answer, list) and answer[:1] == ["HELO"]:
        raise ConnectionError("it asks for a shared key, and none is set")
    raise ConnectionError(f"it acknowledged another chunk: {answer!r}")
