"""A stream of MessagePack values to and from a receiver. Each step has a deadline."""

from __future__ import annotations

import selectors
import socket
import ssl
import time
from typing import Any, TypeVar

import msgspec

from boxkite.logs.forward.value_end import value_end

__all__ = ["Stream"]

_Answer = TypeVar("_Answer")

# Acknowledgements take about 40 bytes, and a HELO a little more.
_MAX_ANSWER_BYTES = 4096


class Stream:
    """A connected socket, and the bytes that it received and that were not read yet.

    All deadlines are times of `time.monotonic`.

    Args:
        connection: the socket.
    """

    def __init__(self, connection: socket.socket) -> None:
        self._socket = connection
        self._received = b""

    @classmethod
    def connect(
        cls, host: str, port: int, deadline: float, tls: ssl.SSLContext | None = None
    ) -> Stream:
        """Connect to the first address of a host that answers.

        Each address gets an equal share of the time, so that one dead address does not use up all
        of it. Name resolution has no deadline, because the system offers none.

        Args:
            host: name or address, or `unix://` and the path of a socket.
            port: TCP port.
            deadline: when to give up.
            tls: encrypt the connection; None for a plain one.

        Raises:
            OSError: if no address answers in time, or the certificate is not trusted.
        """
        if host.startswith("unix://"):
            return cls(_connect(socket.AF_UNIX, host.removeprefix("unix://"), deadline))
        connection = _connect_to_any(host, port, deadline)
        if tls is not None:
            try:
                connection.settimeout(_remaining(deadline))
                connection = tls.wrap_socket(connection, server_hostname=host)
            except BaseException:
                connection.close()
                raise
        return cls(connection)

    def send(self, content: bytes, deadline: float) -> None:
        """Send all bytes.

        Raises:
            OSError: if the receiver does not take them in time.
        """
        rest = memoryview(content)
        while rest:
            # Do not use `sendall`, whose timeout would start again with each part that is sent.
            self._socket.settimeout(_remaining(deadline))
            rest = rest[self._socket.send(rest) :]

    def receive(
        self, decoder: msgspec.msgpack.Decoder[_Answer], deadline: float, expected: str
    ) -> _Answer:
        """Return the next value that the receiver sends. Bytes after it belong to the next value.

        Args:
            decoder: decodes and checks the value.
            deadline: when to give up.
            expected: names the value for errors.

        Raises:
            OSError: if no value comes in time, or it is too long or not the expected one.
        """
        while (end := value_end(self._received)) is None:
            if len(self._received) >= _MAX_ANSWER_BYTES:
                raise ConnectionError(
                    f"its {expected} is longer than {_MAX_ANSWER_BYTES} bytes, or broken"
                )
            self._socket.settimeout(_remaining(deadline))
            part = self._socket.recv(_MAX_ANSWER_BYTES)
            if not part:
                raise ConnectionError(f"it closed the connection before its {expected}")
            self._received += part
        # The receiver may have sent more than one value in this packet. Keep the rest, because
        # decoding it together with the value would fail.
        value, self._received = self._received[:end], self._received[end:]
        try:
            return decoder.decode(value)
        except msgspec.DecodeError as error:
            raise ConnectionError(
                f"its {expected} does not follow the forward protocol: {error}"
            ) from error

    def is_spent(self) -> bool:
        """Return whether an idle stream was closed, or holds bytes that no request asked for.

        Do not use this stream again, because the next value that comes from it may be garbage.
        """
        with selectors.DefaultSelector() as selector:
            selector.register(self._socket, selectors.EVENT_READ)
            return bool(self._received or selector.select(0))

    def close(self) -> None:
        """Close the socket."""
        self._socket.close()


def _connect_to_any(host: str, port: int, deadline: float) -> socket.socket:
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    for waiting, (family, _, _, _, address) in zip(range(len(found), 0, -1), found, strict=True):
        share = time.monotonic() + _remaining(deadline) / waiting
        try:
            connection = _connect(family, address, share)
        except OSError:
            if waiting == 1:
                raise
            continue
        # A chunk is sent as a whole and then waits for an answer, so Nagle's algorithm only delays.
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return connection
    raise ConnectionError(f"the host name {host!r} has no address")


def _connect(family: int, address: Any, deadline: float) -> socket.socket:
    connection = socket.socket(family, socket.SOCK_STREAM)
    try:
        connection.settimeout(_remaining(deadline))
        connection.connect(address)
    except BaseException:
        connection.close()
        raise
    return connection


def _remaining(deadline: float) -> float:
    """Return the seconds until a deadline.

    Raises:
        TimeoutError: if it has passed. A timeout of 0 would make the socket non-blocking.
    """
    seconds = deadline - time.monotonic()
    if seconds <= 0:
        raise TimeoutError("it did not answer within the timeout")
    return seconds
