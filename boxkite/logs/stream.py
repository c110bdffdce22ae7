"""A stream to a receiver, over TCP or a socket of the file system, each step within a deadline."""

from __future__ import annotations

import selectors
import socket
import time
from typing import Any, TypeVar

import msgspec

__all__ = ["dial", "is_spent", "receive", "remaining", "send"]

_Answer = TypeVar("_Answer")

_MAX_ANSWER_BYTES = 4096


def dial(host: str, port: int, deadline: float) -> socket.socket:
    """Connect to the first address of a host that answers; each gets its share of the time.

    Args:
        host: name or address, or `unix://` and the path of a socket.
        port: of TCP.
        deadline: as `time.monotonic` counts, here and below.

    Raises:
        OSError: if none answers in time. How long the search for addresses takes is the system's.
    """
    if host.startswith("unix://"):
        return _connect(socket.AF_UNIX, host.removeprefix("unix://"), deadline)
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    for waiting, (family, _, _, _, address) in zip(range(len(found), 0, -1), found, strict=True):
        share = time.monotonic() + remaining(deadline) / waiting
        try:
            connection = _connect(family, address, share)
        except OSError:
            if waiting == 1:
                raise
            continue
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return connection
    raise ConnectionError(f"{host} has no address")


def _connect(family: int, address: Any, deadline: float) -> socket.socket:
    connection = socket.socket(family, socket.SOCK_STREAM)
    try:
        connection.settimeout(remaining(deadline))
        connection.connect(address)
    except BaseException:
        connection.close()
        raise
    return connection


def send(connection: socket.socket, content: bytes, deadline: float) -> None:
    """Send all of a content.

    Raises:
        OSError: if the receiver does not take it in time.
    """
    rest = memoryview(content)
    while rest:
        connection.settimeout(remaining(deadline))
        rest = rest[connection.send(rest) :]


def receive(
    connection: socket.socket, decoder: msgspec.msgpack.Decoder[_Answer], deadline: float
) -> _Answer:
    """Return the next value that the receiver sends.

    Raises:
        OSError: if it sends none in time, too large a one, or none that the decoder takes.
    """
    received = b""
    while len(received) < _MAX_ANSWER_BYTES:
        connection.settimeout(remaining(deadline))
        part = connection.recv(_MAX_ANSWER_BYTES)
        if not part:
            raise ConnectionError("it closed the connection without an answer")
        received += part
        try:
            return decoder.decode(received)
        except msgspec.ValidationError as error:
            raise ConnectionError(f"it does not speak the forward protocol: {error}") from error
        except msgspec.DecodeError:
            continue  # the rest is still on its way
    raise ConnectionError(f"its answer is longer than {_MAX_ANSWER_BYTES} bytes, or broken")


def remaining(deadline: float) -> float:
    """Return the seconds until a deadline.

    Raises:
        TimeoutError: if it has passed.
    """
    seconds = deadline - time.monotonic()
    if seconds <= 0:
        raise TimeoutError("it took too long")
    return seconds


def is_spent(connection: socket.socket) -> bool:
    """Tell whether an idle stream was closed by the receiver, or holds what nobody asked for."""
    with selectors.DefaultSelector() as selector:
        selector.register(connection, selectors.EVENT_READ)
        return bool(selector.select(0))
