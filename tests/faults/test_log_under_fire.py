"""Predictions over HTTP, with sinks that fail at random and workers that are killed: none is lost,
each is accounted for at every scrape, and each duplicate has its reason."""

import contextlib
import http.client
import json
import os
import random
import shutil
import socket
import struct
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar

import msgpack
import pytest
import zstandard

pytestmark = pytest.mark.skipif(
    not sys.platform.startswith("linux"), reason="workers find each other by /proc"
)

GTHREAD = ("gunicorn", "--workers", "3", "--threads", "4", "--log-level", "critical")
SYNC = ("gunicorn", "--workers", "3", "--log-level", "critical")
UVICORN = ("uvicorn", "--workers", "2", "--log-level", "critical")
PATIENCE = 240.0
ZSTD = b"\x28\xb5\x2f\xfd"  # the magic number of RFC 8878

# UNDER_FIRE_TIMES=3 asks for 100,000 predictions in all, which takes three times as long.
TIMES = int(os.environ.get("UNDER_FIRE_TIMES", "1"))


class Moods:
    """What a sink does next.

    Args:
        faults: to choose from.
        share: of faults.
    """

    def __init__(self, faults: tuple[str, ...], share: float = 0.5) -> None:
        self.had: Counter[str] = Counter()
        self._faults = faults
        self._share = share
        self._random = random.Random(7)

    def next(self) -> str:
        fault = self._random.random() < self._share
        mood = self._random.choice(self._faults) if fault else "good"
        self.had[mood] += 1
        return mood

    def heal(self) -> None:
        self._share = 0.0


def reset(connection: socket.socket) -> None:
    """End a connection with a reset."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


class Fluentd:
    """A receiver of the forward protocol.

    Attributes:
        copies: how often each id was taken.
        excused: how often of these the sender was not told.
    """

    under_way = 1000
    """Records that a worker can have acknowledged and not noted so when it is killed."""
    environment: ClassVar[dict[str, str]] = {}

    def __init__(self, _: Path) -> None:
        self.moods = Moods(("reset", "half", "wrong ack", "no ack", "lost ack", "slow", "refused"))
        self.copies: Counter[str] = Counter()
        self.excused: Counter[str] = Counter()
        self._lock = threading.Lock()
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port = self._socket.getsockname()[1]
        self.url = f"fluentd://127.0.0.1:{self.port}?timeout=2"
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            with contextlib.suppress(OSError):
                connection, _ = self._socket.accept()
                threading.Thread(target=self._serve, args=(connection,), daemon=True).start()
                continue
            time.sleep(0.3)  # nobody listens
            self._socket = socket.create_server(("127.0.0.1", self.port))

    def _serve(self, connection: socket.socket) -> None:
        unpacker = msgpack.Unpacker()
        mood = self.moods.next()
        with connection, contextlib.suppress(OSError):
            while part := connection.recv(1 << 16):
                if mood == "half":
                    reset(connection)
                    return
                unpacker.feed(part)
                for message in unpacker:
                    if not self._take(connection, mood, *message):
                        return
                    mood = self.moods.next()

    def _take(
        self, connection: socket.socket, mood: str, _: str, packed: bytes, option: dict[str, Any]
    ) -> bool:
        """Do with a chunk as the mood says; False once the connection has ended."""
        if mood == "reset":
            reset(connection)
            return False
        if mood == "refused":
            self._socket.shutdown(socket.SHUT_RDWR)
            self._socket.close()
        records = msgpack.Unpacker()
        records.feed(packed)
        taken = [record["entity_id"] for _, record in records]
        with self._lock:
            self.copies.update(taken)
            if mood not in ("good", "refused"):
                self.excused.update(taken)
        if mood in ("no ack", "lost ack"):
            time.sleep(3.0 if mood == "no ack" else 0.0)
            return False
        if mood == "slow":
            time.sleep(1.0)
        chunk = "another" if mood == "wrong ack" else option["chunk"]
        connection.sendall(msgpack.packb({"ack": chunk}))
        return True

    def unexplained(self) -> int:
        """Return how many copies there are beyond one of each and those that are excused."""
        return sum((self.copies - self.excused - Counter(set(self.copies))).values())

    def close(self) -> None:
        self._socket.close()


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    store: "ObjectServer"

    def log_message(self, *_: object) -> None:
        """Say nothing."""

    def do_PUT(self) -> None:
        mood = self.store.moods.next()
        length = int(self.headers["Content-Length"])
        if mood == "half":
            self.rfile.read(length // 2)
            self._reset()
            return
        # A bytearray, because all empty bytes are one object.
        content = bytearray(self.rfile.read(length))
        if mood in ("500", "503"):
            self._answer(int(mood))
            return
        assert self.headers["If-None-Match"] == "*"
        new = self.store.objects.setdefault(self.path, content) is content
        if mood == "lost answer":
            self._reset()
            return
        time.sleep(1.0 if mood == "slow" else 0.0)
        self._answer(200 if new else 412)

    def do_GET(self) -> None:
        found = self.store.objects.get(self.path)
        self._answer(404 if found is None else 200, found or b"")

    def _answer(self, status: int, content: bytes = b"") -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        self.send_header("ETag", '"1"')
        self.send_header("Last-Modified", "Mon, 23 Nov 2026 12:00:00 GMT")
        self.end_headers()
        self.wfile.write(content)

    def _reset(self) -> None:
        self.close_connection = True
        reset(self.connection)


def ids(content: bytes | bytearray) -> list[str]:
    if content.startswith(ZSTD):
        content = zstandard.ZstdDecompressor().decompressobj().decompress(content)
    return [json.loads(line)["entity_id"] for line in content.splitlines()]


class ObjectServer:
    """An S3 server that knows putting what is not there, and getting."""

    under_way = 0  # a file that comes again is the same file

    def __init__(self, _: Path) -> None:
        self.moods = Moods(("half", "500", "503", "lost answer", "slow"), share=0.7)
        self.objects: dict[str, bytearray] = {}
        handler = type("Bound", (Handler,), {"store": self})
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        self.url = "s3://bucket/log"
        self.environment = {
            "AWS_ENDPOINT_URL": f"http://127.0.0.1:{self._server.server_address[1]}",
            "AWS_ACCESS_KEY_ID": "key",
            "AWS_SECRET_ACCESS_KEY": "secret",
            "AWS_REGION": "us-east-1",
            "BOXKITE_LOG_TTL": "0",
            "FLASK_BOXKITE_LOG_TTL": "0",
        }

    @property
    def copies(self) -> Counter[str]:
        return Counter(each for content in self.objects.values() for each in ids(content))

    def unexplained(self) -> int:
        """Return how many copies there are beyond one of each."""
        return sum((self.copies - Counter(set(self.copies))).values())

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


class FullDisk:
    """A small file system of its own, which somebody else fills and empties again."""

    under_way = 0  # a file that comes again is the same file
    environment: ClassVar[dict[str, str]] = {}

    def __init__(self, folder: Path) -> None:
        self.moods = Moods(("full",), share=0.7)
        self.folder = folder / "small"
        self.folder.mkdir()
        self.url = str(self.folder)
        mount = ["mount", "-t", "tmpfs", "-o", "size=48m", "tmpfs", str(self.folder)]
        if os.geteuid() or subprocess.run(mount, capture_output=True, check=False).returncode:
            pytest.skip("mounting is not allowed here")
        self._closed = threading.Event()
        self._thread = threading.Thread(target=self._fill)
        self._thread.start()

    def _fill(self) -> None:
        filler = self.folder / ".filler"
        while not self._closed.wait(0.5):
            if self.moods.next() == "good":
                filler.unlink(missing_ok=True)
                continue
            with contextlib.suppress(OSError), filler.open("wb") as file:
                while True:
                    file.write(bytes(1 << 16))
                    file.flush()

    @property
    def copies(self) -> Counter[str]:
        files = self.folder.rglob("*.txt")
        return Counter(each for path in files for each in ids(path.read_bytes()))

    def unexplained(self) -> int:
        """Return how many copies there are beyond one of each."""
        return sum((self.copies - Counter(set(self.copies))).values())

    def close(self) -> None:
        self._closed.set()
        self._thread.join()
        subprocess.run(["umount", "--lazy", self.folder], check=True)
        shutil.rmtree(self.folder)


class Clients:
    """Threads that ask for predictions until so many were answered.

    Attributes:
        ids: of the predictions whose answer arrived.
    """

    def __init__(self, service: Any, number: int, threads: int) -> None:
        self.ids: list[str] = []
        self._service = service
        self._number = number
        self._threads = [threading.Thread(target=self._ask) for _ in range(threads)]
        for thread in self._threads:
            thread.start()

    @property
    def are_busy(self) -> bool:
        return any(thread.is_alive() for thread in self._threads)

    def _ask(self) -> None:
        while len(self.ids) < self._number:
            connection = http.client.HTTPConnection("127.0.0.1", self._service._port, timeout=60)
            with (
                contextlib.closing(connection),
                contextlib.suppress(OSError, http.client.HTTPException),
            ):
                while len(self.ids) < self._number:
                    self._predict(connection)
            time.sleep(0.01)

    def _predict(self, connection: http.client.HTTPConnection) -> None:
        body = json.dumps({"a": 1, "id": 0})
        connection.request("POST", "/predict", body, {"Content-Type": "application/json"})
        response = connection.getresponse()
        answer = json.loads(response.read())
        assert response.status == 200
        self.ids.append(response.headers["X-Prediction-Id"].rpartition("/")[2])
        with self._service._lock:
            self._service.workers.add(answer["process"])


class Scrapes:
    """Looks whether each scrape adds up, and no counter falls."""

    def __init__(self, service: Any) -> None:
        self._service = service
        self._last: dict[str, float] = {}
        self.number = 0

    def look(self) -> dict[str, float]:
        """Return predictions, and records of the log by outcome."""
        counts = self._service.scrape()
        fell = {series for series, count in counts.items() if count < self._last.get(series, 0)}
        assert {series for series in fell if "pending" not in series} == set()
        self._last = counts
        self.number += 1
        found = {}
        for series, count in counts.items():
            name, _, labels = series.partition("{")
            outcome = labels.partition('outcome="')[2].partition('"')[0]
            if name in ("boxkite_log_records_total", "boxkite_log_pending_records"):
                found[outcome or "pending"] = count
            if name == "boxkite_predictions_total":
                found["accepted"] = count
        assert found["accepted"] == found["delivered"] + found["dropped"] + found["pending"]
        assert found["pending"] >= 0
        return found


@pytest.fixture
def start_sink(tmp_path: Path) -> Iterator[Callable[[Any], Any]]:
    """Starts a sink of a kind."""
    with contextlib.ExitStack() as stack:

        def start(kind: Any) -> Any:
            sink = kind(tmp_path)
            stack.callback(sink.close)
            return sink

        yield start


@pytest.mark.slow
@pytest.mark.parametrize(
    ("server", "kind", "number", "kills"),
    [
        pytest.param(SYNC, Fluentd, 1_000, 3, id="quick"),
        pytest.param(GTHREAD, Fluentd, 10_000, 20, id="gthread-fluentd", marks=pytest.mark.slow),
        pytest.param(
            *(UVICORN, Fluentd, 7_000, 10),
            id="uvicorn-fluentd",
            marks=[pytest.mark.slow, pytest.mark.exhaustive],
        ),
        pytest.param(UVICORN, ObjectServer, 8_000, 10, id="uvicorn-s3", marks=pytest.mark.slow),
        pytest.param(GTHREAD, FullDisk, 8_000, 20, id="gthread-disk", marks=pytest.mark.slow),
    ],
)
@pytest.mark.timeout(900)
def test_none_is_lost_and_each_is_accounted_for(
    server: tuple[str, ...],
    kind: Any,
    number: int,
    kills: int,
    serve: Callable[..., Any],
    start_sink: Callable[[Any], Any],
    record_property: Callable[[str, object], None],
) -> None:
    number *= TIMES
    sink = start_sink(kind)
    log = {"FLASK_BOXKITE_LOG": sink.url, "BOXKITE_LOG": sink.url}
    service = serve(*server, **log, **sink.environment)
    scrapes, clients = Scrapes(service), Clients(service, number, threads=6)
    killed = 0
    while clients.are_busy:
        scrapes.look()
        if len(clients.ids) * (kills + 1) >= number * (killed + 1) and killed < kills:
            killed += service.kill_a_worker()
        time.sleep(0.05)
    sink.moods.heal()
    deadline = time.monotonic() + PATIENCE
    while (found := scrapes.look())["pending"]:
        assert time.monotonic() < deadline, found
        time.sleep(0.2)
    copies = sink.copies
    duplicates = copies.total() - len(copies)
    record_property("figures", {**found, "scrapes": scrapes.number, "duplicates": duplicates})
    assert killed == kills
    assert set(clients.ids) - set(copies) == set()
    assert found["dropped"] == 0
    assert len(copies) == found["accepted"] == found["delivered"] >= number
    assert sink.unexplained() <= killed * sink.under_way
