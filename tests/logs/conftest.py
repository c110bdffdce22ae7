"""What tests of the log share: contexts, and a strict receiver of the forward protocol.

The receiver decodes with msgpack from PyPI.
"""

import io
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import msgpack
import pytest

from boxkite.live.log_context import LogContext

CONTEXT = LogContext(
    sink="file:",
    server_id="server",
    endpoint_id="endpoint",
    logger_id="logger",
    replica_id="replica",
    model="flights",
    version="3f9c1a2b",
    features=("distance", "carrier"),
    outputs=("delay",),
)
FLUENTD_CONTEXT = LogContext(
    sink="fluentd:",
    server_id="server",
    endpoint_id="delay",
    logger_id="logger",
    replica_id="pod-7",
    model="flights",
    version="1",
)


class Receiver:
    """Takes PackedForward messages on its own port and acknowledges their chunks.

    Args:
        acknowledges: number of chunks that it acknowledges. After them, it only reads.
        refuses: number of connections that it closes at their first message.
        pause: seconds between two reads of 64 KiB.
        messages: number of messages that it takes over one connection before it closes it.
        port: port to listen on; by default any free one.
    """

    def __init__(
        self,
        acknowledges: int = 1_000_000,
        refuses: int = 0,
        pause: float = 0,
        messages: int = 1_000_000,
        port: int = 0,
    ) -> None:
        self.acknowledges = acknowledges
        self.refuses = refuses
        self.messages = messages
        self.pause = pause
        self.entries: list[tuple[str, Any, dict[str, Any]]] = []
        self.chunks: list[str] = []
        self.connections = 0
        self.ended = 0
        self.reporter: list[Exception] = []
        self.taken = threading.Condition()
        self._socket = socket.create_server(("127.0.0.1", port))
        self.port = self._socket.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            self.connections += 1
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with connection:
            self._take_all(connection)
        with self.taken:
            self.ended += 1
            self.taken.notify_all()

    def _take_all(self, connection: socket.socket) -> None:
        unpacker = msgpack.Unpacker(strict_map_key=True)
        messages = self.messages
        while messages and (part := connection.recv(65536)):
            time.sleep(self.pause)
            unpacker.feed(part)
            for message in unpacker:
                messages -= 1
                if self.refuses > 0:
                    self.refuses -= 1
                    return
                try:
                    chunk = self._take(message)
                except Exception as error:  # noqa: BLE001 - shown by the test
                    self.reporter.append(error)
                    return
                if self.acknowledges > 0:
                    self.acknowledges -= 1
                    connection.sendall(msgpack.packb({"ack": chunk}))

    def _take(self, message: Any) -> str:
        tag, packed, option = message
        assert isinstance(tag, str)
        assert isinstance(packed, bytes)
        assert set(option) == {"chunk", "size"}
        entries = list(msgpack.Unpacker(io.BytesIO(packed), strict_map_key=True))
        assert option["size"] == len(entries)
        assert isinstance(option["chunk"], str)
        with self.taken:
            self.chunks.append(option["chunk"])
            self.entries += [(tag, moment(time), record) for time, record in entries]
            self.taken.notify_all()
        return option["chunk"]

    def wait_for(self, number: int) -> None:
        """Wait until this number of entries came. Fail the test after a minute."""
        with self.taken:
            assert self.taken.wait_for(lambda: len(self.entries) >= number, 60), self.reporter

    def wait_for_ended(self, number: int) -> None:
        """Wait until this number of connections was closed."""
        with self.taken:
            assert self.taken.wait_for(lambda: self.ended >= number, 60), self.reporter

    def close(self) -> None:
        """Accept no more connections."""
        self._socket.close()


def moment(time: Any) -> Any:
    """Return an EventTime as (seconds, nanoseconds), and a number as it is."""
    if isinstance(time, msgpack.ExtType):
        assert time.code == 0
        return struct.unpack(">II", time.data)
    return time


@pytest.fixture
def start_receiver() -> Iterator[Callable[..., Receiver]]:
    """Start receivers. At the end, check that none of them saw a violation of the protocol."""
    started: list[Receiver] = []

    def start(**options: float) -> Receiver:
        started.append(Receiver(**options))
        return started[-1]

    yield start
    for receiver in started:
        receiver.close()
        assert receiver.reporter == []


@pytest.fixture
def receiver(start_receiver: Callable[..., Receiver]) -> Receiver:
    """A receiver that acknowledges everything."""
    return start_receiver()


@pytest.fixture
def closed_port() -> int:
    """A port that refuses connections."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
        return port
