"""What hostile requests cost a service under uvicorn: the event loop's longest stall, and memory.

Each request gets a service of its own. The service measures its event loop itself: a task sleeps
for a millisecond, again and again, and keeps the longest delay. A delay in which the process used
less processor time counts as that time, because other programs caused the rest. The memory is the
peak of the process above its size before the request, as Linux counts it. "bare" is the same
request to a view that boxkite does not monitor. Both views read the body as bytes and answer
without parsing it.

    python benchmarks/hostile.py
    python benchmarks/hostile.py --before ../boxkite-405acfb
    python benchmarks/hostile.py --only 'keys that are never the same' --requests 1000000

`--before` names another checkout with an environment in `.venv`.
"""

from __future__ import annotations

import argparse
import gzip
import http.client
import json
import os
import re
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[1]
MIB = 2**20
_TIMEOUT = 600.0
_TOO_MUCH = 3 * 2**30  # a service that takes more memory is not asked further
_SAMPLE = 50  # requests from one look at the memory to the next

SERVICE = """
import asyncio, os, time
from boxkite import Baseline
from boxkite_starlette import Boxkite
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse

app = Starlette()
rows = {f"x{i}": [0.5, 1.5] * 50 for i in range(10)}
monitor = Boxkite(
    app, baseline=Baseline.fit(rows, {"score": [0.5, 1.5] * 50}), registry=None, metrics_path="",
    log=os.environ["FOLDER"] + "/log", state_dir=os.environ["FOLDER"] + "/state",
    state_max_bytes=2**25, log_request_body=True,
    log_redact=["x1", "ssn"] if os.environ["REDACT"] else [],
)
longest = 0.0


async def watch():
    global longest
    while True:
        began, busy = time.perf_counter(), time.process_time()
        await asyncio.sleep(0.001)
        delay = time.perf_counter() - began - 0.001
        longest = max(longest, min(delay, time.process_time() - busy))


async def stall(_):
    global longest
    if not hasattr(app.state, "watch"):
        app.state.watch = asyncio.create_task(watch())
    await asyncio.sleep(0.05)
    found, longest = longest, 0.0
    return JSONResponse(found)


async def bare(request: Request):
    body = await request.body()
    return JSONResponse({"score": 0.5, "scores": [0.5] * int(request.query_params["n"])})


@monitor.predict(features="inputs", output="score")
async def one(request: Request):
    return await bare(request)


@monitor.predict(features="inputs", output="scores")
async def many(request: Request):
    return await bare(request)


@monitor.predict(output="score")
async def whole(request: Request):
    return await bare(request)


for view in (stall, bare, one, many, whole):
    app.add_route(f"/{view.__name__}", view, methods=["GET", "POST"])
"""


class Request(NamedTuple):
    """A hostile request.

    Attributes:
        body: Makes the body from a number, so that no two bodies are the same.
        path: The view.
        outputs: Number of outputs that the view returns.
        redact: Whether the service redacts names.
        encoding: The header `Content-Encoding`.
    """

    body: Callable[[int], bytes]
    path: str = "whole"
    outputs: int = 1
    redact: bool = False
    encoding: str = ""


def _repeated(unit: bytes, size: int, key: bytes = b"inputs") -> bytes:
    return b'{"%s": [%s]}' % (key, (unit * (size // len(unit)))[:-1])


def _new_keys(number: int) -> bytes:
    keys = (b'"%d %d %s": 1' % (number, each, _LONG) for each in range(4))
    return b'{"inputs": {%s}}' % b", ".join(keys)


_LONG = "\u0416".encode() * 30_000


def _small(number: int) -> bytes:
    """Return one of eight small bodies that clients send by mistake or on purpose."""
    text = b"%d" % number
    return (
        b'{"inputs": {"x%s": 1, "ssn%s": "%s"}}' % (text, text, text),
        b'{"inputs": {"x0": "text %s", "x1": [1, 2]}}' % text,
        b'{"inputs": [%s]}' % b", ".join([text] * 50),
        b'{"inputs": [{"x0": %s}, {"x%s": null}]}' % (text, text),
        b"[" * 400 + text,
        b'{"inputs": "%s"' % text,
        b'{"instances": [[%s], {"b": 1}]}' % text,
        b'{"inputs": {"x0": 1e%s, "x1": -%s.5, "\\ud800%s": "\xff"}}' % (text, text, text),
    )[number % 8]


def _rows(number: int) -> bytes:
    return json.dumps({"inputs": [[0.5] * 10] * number}).encode()


REQUESTS: dict[str, Request] = {
    "a million rows, one output": Request(lambda _: _repeated(b"[0.5],", 6 * MIB), "one"),
    "10,000 rows, as many outputs": Request(lambda _: _rows(10_000), "many", 10_000),
    "16 MiB of empty lists": Request(lambda _: _repeated(b"[],", 16 * MIB - 99), "one"),
    "1 MiB of empty lists": Request(lambda _: _repeated(b"[],", MIB - 99), "one"),
    "1 MiB of numbers": Request(lambda _: _repeated(b"1,", MIB - 99), "one"),
    "15 MiB of rows, redacted": Request(
        lambda _: _repeated(b"[0.5,1.5,2.5],", 15 * MIB), "one", redact=True),
    "1 MiB of rows, redacted": Request(
        lambda _: _repeated(b"[0.5,1.5,2.5,3.5,4.5,5.5,6.5],", MIB - 99), "one", redact=True),
    "1 MiB of texts, redacted": Request(
        lambda _: _repeated(b'"{\\"x1\\":[1]}",', MIB - 99), "one", redact=True),
    "1 MiB of accents in a key, redacted": Request(
        lambda _: ('{"a%s": 1}' % ("\u0301\u0316" * (MIB // 4 - 9))).encode(), redact=True),
    "a million brackets": Request(lambda _: b"[" * MIB, "one"),
    "16 KiB of gzip, 16 MiB inside": Request(
        lambda _: gzip.compress(_repeated(b"[0.5],", 16 * MIB)), "one", encoding="gzip"),
    "keys that are never the same, redacted": Request(_new_keys, redact=True),
    "small ones that are never the same, redacted": Request(_small, redact=True),
}  # fmt: skip


class Service:
    """A running service.

    Args:
        tree: The checkout.
        redact: Whether it redacts names.
    """

    def __init__(self, tree: Path, redact: bool) -> None:
        self._folder = tempfile.TemporaryDirectory()
        folder = Path(self._folder.name)
        (folder / "hostile_service.py").write_text(SERVICE)
        with socket.create_server(("127.0.0.1", 0)) as probe:
            self._port = probe.getsockname()[1]
        kept = {name: value for name, value in os.environ.items() if "BOXKITE" not in name}
        self._process = subprocess.Popen(
            [tree / ".venv/bin/python", "-m", "uvicorn", "--port", str(self._port),
             "--log-level", "critical", "hostile_service:app"],
            cwd=folder,
            env={**kept, "FOLDER": str(folder), "REDACT": "1" if redact else "",
                 "PYTHONPATH": str(tree)},
            stderr=subprocess.DEVNULL,
        )  # fmt: skip
        self._connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=_TIMEOUT)
        for _ in range(1200):
            try:
                self.stall()
                return
            except OSError:
                self._connection.close()
                time.sleep(0.1)
        raise RuntimeError("the service does not start")

    def close(self) -> None:
        """End the service."""
        self._process.kill()
        self._process.wait()
        self._folder.cleanup()

    def ask(self, method: str, path: str, body: bytes = b"", encoding: str = "") -> bytes:
        """Return the answer to one request."""
        headers = {"Content-Encoding": encoding} if encoding else {}
        self._connection.request(method, path, body, headers)
        response = self._connection.getresponse()
        content = response.read()
        assert response.status == 200, (response.status, content)
        return content

    def send(self, request: Request, body: bytes, path: str = "") -> None:
        """Send a hostile request."""
        self.ask("POST", f"/{path or request.path}?n={request.outputs}", body, request.encoding)

    def stall(self) -> float:
        """Return the seconds of the longest stall since the last call."""
        return float(json.loads(self.ask("GET", "/stall")))

    def memory(self, name: str) -> int:
        """Return the bytes of a line in the process's status, such as VmHWM."""
        status = Path(f"/proc/{self._process.pid}/status").read_text()
        (kilobytes,) = re.findall(rf"{name}:\s+(\d+) kB", status)
        return int(kilobytes) * 1024


@contextmanager
def _running(tree: Path, redact: bool) -> Iterator[Service]:
    service = Service(tree, redact)
    try:
        yield service
    finally:
        service.close()


def _best(tree: Path, request: Request, times: int) -> list[str]:
    """Return stall, bare stall, time of the answer and memory of one request.

    Other load on the machine stalls the loop too, so each figure is the least of several runs.
    """
    try:
        runs = [_once(tree, request) for _ in range(times)]
    except TimeoutError:
        return ["no answer", "", f"over {_TIMEOUT:.0f} s", ""]
    stall, bare, seconds, memory = map(min, zip(*runs, strict=True))
    return [
        f"{1000 * stall:.0f} ms", f"{1000 * bare:.0f} ms", f"{seconds:.2f} s",
        f"{memory / MIB:.0f} MiB",
    ]  # fmt: skip


def _once(tree: Path, request: Request) -> tuple[float, float, float, int]:
    body = request.body(0)
    with _running(tree, request.redact) as service:
        service.ask("POST", "/whole?n=1", b'{"x0": 0.5}')
        service.stall()
        service.send(request, body, "bare")
        time.sleep(1)
        bare, before = service.stall(), service.memory("VmHWM")
        began = time.perf_counter()
        service.send(request, body)
        seconds = time.perf_counter() - began
        time.sleep(1.5)  # the background counts the rows, which may hold up the loop too
        stall, peak = service.stall(), service.memory("VmHWM")
    return stall, bare, seconds, max(0, peak - before)


def _growth(tree: Path, request: Request, number: int) -> list[str]:
    """Return the memory after each tenth of many requests, and the most memory in between.

    Mapped files of the journal are left out, because the system can drop them at any time.
    """
    sizes, most = [], 0
    with _running(tree, request.redact) as service:
        for each in range(1, number + 1):
            service.send(request, request.body(each))
            if each % _SAMPLE and each * 10 % number:
                continue
            size = service.memory("RssAnon")
            most = max(most, size)
            if each * 10 % number == 0:
                sizes.append(f"{size / MIB:.0f}")
            if size > _TOO_MUCH:
                return [*sizes, f"over {_TOO_MUCH // MIB} after {each} requests"]
    return [" ".join(sizes), f"{most / MIB:.0f}"]


def main() -> None:
    """Print both tables for each checkout."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--before", type=Path, help="another checkout, with .venv in it")
    parser.add_argument("--requests", type=int, default=2000, help="number of requests for growth")
    parser.add_argument("--times", type=int, default=3, help="number of runs of each request")
    parser.add_argument("--only", default="", help="only requests with this text in their name")
    given = parser.parse_args()
    chosen = {name: each for name, each in REQUESTS.items() if given.only in name}
    trees = {"this tree": ROOT, **({"before": given.before.resolve()} if given.before else {})}
    for title, tree in trees.items():
        print(f"\n**{title}**\n\n| request | longest stall | bare | answer | memory |")
        print("|---|---:|---:|---:|---:|")
        for name, request in chosen.items():
            print(f"| {name} | {' | '.join(_best(tree, request, given.times))} |", flush=True)
        print(f"\n| {given.requests:,} requests | MiB after each tenth | the most |")
        print("|---|---|---:|")
        for name in [name for name in chosen if "never the same" in name]:
            sizes = _growth(tree, chosen[name], given.requests)
            print(f"| {name} | {' | '.join(sizes)} |", flush=True)


if __name__ == "__main__":
    sys.exit(main())
