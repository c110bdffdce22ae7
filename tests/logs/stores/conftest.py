"""Local object stores (moto for S3, azurite for Azure), and a proxy that breaks requests."""

import base64
import hmac
import http.client
import os
import re
import socket
import struct
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Callable, Iterator
from datetime import timedelta
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from boxkite.logs.stores import object_store

AZURITE = "azurite@3.35.0"
# The account that azurite documents for everyone.
ACCOUNT = "devstoreaccount1"
KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="

QUICKLY = {
    "init_backoff": timedelta(milliseconds=1),
    "max_backoff": timedelta(milliseconds=5),
    "base": 2,
}

MOTO = """
import sys
from moto.server import ThreadedMotoServer
server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
server.start()
print(server.get_host_and_port()[1], flush=True)
sys.stdin.read()
"""


def lacking(what: str) -> None:
    """Skip the test. In CI, where all tests must run, fail it."""
    if os.environ.get("CI"):
        pytest.fail(what)
    pytest.skip(what)


class ObjectServer:
    """An object store that runs locally and makes new buckets."""

    scheme: str
    port: int

    def __init__(self) -> None:
        self._buckets = 0

    def new_bucket(self) -> str:
        """Make a bucket and return its name."""
        self._buckets += 1
        name = f"bucket{self._buckets}"
        urllib.request.urlopen(self._creation(name), timeout=60).close()
        return name

    def _creation(self, name: str) -> urllib.request.Request:
        raise NotImplementedError

    def variables(self, port: int) -> dict[str, str]:
        """Return the environment variables that lead clients to it on a port."""
        raise NotImplementedError


class Moto(ObjectServer):
    """An S3 server: moto, from PyPI."""

    scheme = "s3"

    def __init__(self) -> None:
        super().__init__()
        command = [sys.executable, "-c", MOTO]
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        assert self.process.stdout is not None
        port = self.process.stdout.readline()
        if not port:
            lacking("moto does not start: pip install 'moto[server]'")
        self.port = int(port)

    def _creation(self, name: str) -> urllib.request.Request:
        return urllib.request.Request(f"http://127.0.0.1:{self.port}/{name}", method="PUT")

    def variables(self, port: int) -> dict[str, str]:
        return {
            "AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}",
            "AWS_ACCESS_KEY_ID": "key",
            "AWS_SECRET_ACCESS_KEY": "secret",
            "AWS_REGION": "us-east-1",
        }

    def stop(self) -> None:
        """Stop it. Its files are gone."""
        self.process.communicate("")


class Azurite(ObjectServer):
    """An Azure server: Microsoft's azurite, from npm. It keeps its files in a folder."""

    scheme = "az"

    def __init__(self, program: Path, folder: Path) -> None:
        super().__init__()
        self._program, self._folder = program, folder
        self.port = 0
        self.start()

    def start(self) -> None:
        """Start it, on the same port as before."""
        options = ["--blobPort", str(self.port), "--location", self._folder]
        options += ["--skipApiVersionCheck", "--disableTelemetry", "--silent"]
        self.process = subprocess.Popen(
            [self._program, *options], stdout=subprocess.PIPE, text=True
        )
        assert self.process.stdout is not None
        for line in self.process.stdout:
            if found := re.search(r"listens on http://127\.0\.0\.1:(\d+)", line):
                self.port = int(found[1])
                return
        lacking("azurite does not start")

    def stop(self) -> None:
        """Stop it. Its files stay in the folder."""
        self.process.terminate()
        self.process.communicate()

    def _creation(self, name: str) -> urllib.request.Request:
        """Return a request signed as described in "Authorize with Shared Key" of Azure's API."""
        url = f"http://127.0.0.1:{self.port}/{ACCOUNT}/{name}?restype=container"
        request = urllib.request.Request(url, method="PUT")
        date, version = formatdate(usegmt=True), "2021-08-06"
        text = "PUT" + "\n" * 12 + f"x-ms-date:{date}\nx-ms-version:{version}\n"
        text += f"/{ACCOUNT}/{ACCOUNT}/{name}\nrestype:container"
        digest = hmac.digest(base64.b64decode(KEY), text.encode(), "sha256")
        request.add_header("x-ms-date", date)
        request.add_header("x-ms-version", version)
        signature = base64.b64encode(digest).decode()
        request.add_header("Authorization", f"SharedKey {ACCOUNT}:{signature}")
        return request

    def variables(self, port: int) -> dict[str, str]:
        return {
            "AZURE_STORAGE_ENDPOINT": f"http://127.0.0.1:{port}/{ACCOUNT}",
            "AZURE_STORAGE_ACCOUNT_NAME": ACCOUNT,
            "AZURE_STORAGE_ACCOUNT_KEY": KEY,
        }


@pytest.fixture(scope="session")
def s3_server() -> Iterator[Moto]:
    """An S3 server."""
    server = Moto()
    yield server
    server.stop()


@pytest.fixture(scope="session")
def azure_server(
    npm_programs: Callable[..., Path], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Azurite]:
    """An Azure server."""
    program = npm_programs(AZURITE) / ".bin" / "azurite-blob"
    server = Azurite(program, tmp_path_factory.mktemp("azurite"))
    yield server
    server.stop()


@pytest.fixture(params=["s3", pytest.param("az", marks=pytest.mark.slow)])
def server(request: pytest.FixtureRequest) -> ObjectServer:
    """An S3 server, and in slow runs also an Azure server."""
    found: ObjectServer = request.getfixturevalue(
        {"s3": "s3_server", "az": "azure_server"}[request.param]
    )
    return found


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Remove the user's cloud settings, and make retries fast."""
    for name in list(os.environ):
        if name.startswith(("AWS_", "AZURE_", "GOOGLE_")):
            monkeypatch.delenv(name)
    monkeypatch.setitem(object_store._RETRIES, "backoff", QUICKLY)


@pytest.fixture
def bucket(server: ObjectServer, monkeypatch: pytest.MonkeyPatch) -> str:
    """The URL of a new bucket. The environment leads to its server."""
    for name, value in server.variables(server.port).items():
        monkeypatch.setenv(name, value)
    return f"{server.scheme}://{server.new_bucket()}"


class FaultyProxy:
    """A proxy that passes requests on to a server, or breaks them as `faults` says.

    Attributes:
        faults: one item for each of the next requests: a status to answer instead of the server,
            "reset" to reset the connection before the server sees the request, "lost" to reset it
            after the server answered, None to pass it on.
        broken: called with method, path and headers of each other request. It may return a status
            to answer instead of the server.
        ignores_conditions: remove `If-None-Match` from requests, as if the server ignored it.
        requests: method, path and headers of all requests.
    """

    def __init__(self, upstream: int) -> None:
        self.faults: list[int | str | None] = []
        self.broken: Callable[[str, str, dict[str, str]], int | None] = lambda *_: None
        self.ignores_conditions = False
        self.requests: list[tuple[str, str, dict[str, str]]] = []
        proxy = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_: object) -> None:
                """Log nothing."""

            def handle_any(self) -> None:
                proxy._handle(self, upstream)

            do_GET = do_PUT = do_DELETE = do_POST = do_HEAD = handle_any  # noqa: N815

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.port = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def _handle(self, handler: BaseHTTPRequestHandler, upstream: int) -> None:
        body = handler.rfile.read(int(handler.headers.get("Content-Length") or 0))
        self.requests.append((handler.command, handler.path, dict(handler.headers)))
        fault = self.faults.pop(0) if self.faults else self.broken(*self.requests[-1])
        headers = dict(handler.headers)
        if self.ignores_conditions:
            headers = {k: value for k, value in headers.items() if k.lower() != "if-none-match"}
        if fault == "reset":
            _reset(handler)
            return
        if isinstance(fault, int):
            handler.send_response(fault)
            handler.send_header("Content-Length", "0")
            handler.end_headers()
            return
        connection = http.client.HTTPConnection("127.0.0.1", upstream, timeout=60)
        connection.request(handler.command, handler.path, body, headers)
        answer = connection.getresponse()
        content = answer.read()
        connection.close()
        if fault == "lost":
            _reset(handler)
            return
        handler.send_response(answer.status)
        for name, value in answer.getheaders():
            if name.lower() not in ("transfer-encoding", "connection", "content-length"):
                handler.send_header(name, value)
        length = answer.getheader("Content-Length") if handler.command == "HEAD" else len(content)
        handler.send_header("Content-Length", str(length))
        handler.end_headers()
        handler.wfile.write(content)

    def close(self) -> None:
        """Stop the proxy."""
        self._server.shutdown()
        self._server.server_close()


def _reset(handler: BaseHTTPRequestHandler) -> None:
    """Reset a connection."""
    handler.close_connection = True
    linger = struct.pack("ii", 1, 0)
    handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
    handler.connection.close()


@pytest.fixture
def start_proxy(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[ObjectServer], FaultyProxy]]:
    """Start a proxy to a server, and let the environment lead to it."""
    proxies = []

    def start(server: ObjectServer) -> FaultyProxy:
        proxies.append(FaultyProxy(server.port))
        for name, value in server.variables(proxies[-1].port).items():
            monkeypatch.setenv(name, value)
        return proxies[-1]

    yield start
    for proxy in proxies:
        proxy.close()
