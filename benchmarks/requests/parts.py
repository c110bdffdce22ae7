"""Where the time of a monitored request goes: its parts, each by itself in one process.

No server is needed: the application is called as a server would call it. Processor time of this
thread, in slices that take turns; the figure is the quarter of the slices that another load on the
machine disturbed least.

    python benchmarks/requests/parts.py
"""

from __future__ import annotations

import asyncio
import functools
import io
import json
import os
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import fastapi_services
import flask_services
import starlette_services
from service import Service, fitted
from straight_line import straight_line

from boxkite import Baseline
from boxkite.error_reporter import ErrorReporter
from boxkite.live.durable_counts import DurableCounts
from boxkite.live.identity import Identity
from boxkite.live.log_context import LogContext
from boxkite.live.record import Record, encode
from boxkite.live.state_folder import StateFolder
from boxkite.logs.journal_records import JournalRecords
from boxkite.system.background import Background

FEATURES = (100, 10)
SERVICES = {"flask": flask_services, "starlette": starlette_services, "fastapi": fastapi_services}
TITLES = {"flask": "Flask", "starlette": "Starlette", "fastapi": "FastAPI"}
_SLICES = 200
_REQUESTS = 25


class Part(NamedTuple):
    """One line of the table: microseconds a request, by the number of features."""

    title: str
    microseconds: Sequence[float]


def main() -> None:
    """Print the table."""
    # What the background does is measured by itself.
    Background.ask = Background.hurry = lambda _: None  # type: ignore[method-assign]
    with tempfile.TemporaryDirectory() as folder:
        parts = [
            _in_request(f"added in the request, {title}", framework, _monitored, folder)
            for framework, title in TITLES.items()
        ]
        least = "the least of it, Starlette"
        parts.append(_in_request(least, "starlette", straight_line, folder))
        parts.append(
            Part("counting, 512 records at once", [_counting(n, 512, folder) for n in FEATURES])
        )
        parts.append(
            Part("counting, 50 records at once", [_counting(n, 50, folder) for n in FEATURES])
        )
        parts.append(Part("the log's line of a record", [_lines(n) for n in FEATURES]))
    heads = ["part, us a request", *(f"{number} features" for number in FEATURES)]
    rows = [f"| {' | '.join(heads)} |", "|---|" + "---:|" * len(FEATURES)]
    rows += [
        f"| {part.title} | {' | '.join(f'{each:.0f}' for each in part.microseconds)} |"
        for part in parts
    ]
    sys.stdout.write("\n".join(rows) + "\n")
    sys.stdout.flush()
    os._exit(0)  # without waiting for what was never shipped


def _in_request(title: str, framework: str, monitored: Callable[[Service], Any], root: str) -> Part:
    """Return what a monitored service adds to the bare one."""
    call = _call_wsgi if framework == "flask" else _call_asgi
    found = []
    for number in FEATURES:
        service = Service(framework, "boxkite", number, tempfile.mkdtemp(dir=root))
        body = json.dumps({"inputs": _rows(number, 1)[0]}).encode()
        applications = SERVICES[framework].bare(service), monitored(service)
        bare, added = _in_turns([functools.partial(call, app, body) for app in applications])
        found.append(added - bare)
    return Part(title, found)


def _monitored(service: Service) -> Any:
    """Return the monitored service, whose log nobody writes meanwhile."""
    module = SERVICES[service.framework]
    module.flush_each_second = lambda _: None
    module.fitted = lambda of: {**fitted(of), "registry": None}
    return module.boxkite(service)


def _in_turns(works: Sequence[Callable[[], float]]) -> list[float]:
    """Return the microseconds of each work, the quarter of its slices that was disturbed least."""
    slices = [[work() for work in works] for _ in range(_SLICES)]
    return [statistics.quantiles(each, n=4)[0] for each in zip(*slices, strict=True)]


def _call_wsgi(app: Any, body: bytes) -> float:
    environs = [
        {
            "REQUEST_METHOD": "POST",
            "PATH_INFO": "/predict",
            "SCRIPT_NAME": "",
            "QUERY_STRING": "",
            "SERVER_NAME": "service",
            "SERVER_PORT": "80",
            "SERVER_PROTOCOL": "HTTP/1.1",
            "CONTENT_TYPE": "application/json",
            "CONTENT_LENGTH": str(len(body)),
            "wsgi.url_scheme": "http",
            "wsgi.input": io.BytesIO(body),
            "wsgi.errors": sys.stderr,
        }
        for _ in range(_REQUESTS)
    ]
    begin = time.thread_time()
    for environ in environs:
        answer = app(environ, lambda *_: None)
        b"".join(answer)
        answer.close()
    return (time.thread_time() - begin) / _REQUESTS * 1e6


def _call_asgi(app: Any, body: bytes) -> float:
    headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(_: Any) -> None:
        pass

    async def called() -> float:
        begin = time.thread_time()
        for _ in range(_REQUESTS):
            scope = {
                "type": "http",
                "asgi": {"version": "3.0"},
                "http_version": "1.1",
                "method": "POST",
                "scheme": "http",
                "path": "/predict",
                "raw_path": b"/predict",
                "root_path": "",
                "query_string": b"",
                "headers": list(headers),
                "client": ("127.0.0.1", 1),
                "server": ("127.0.0.1", 80),
                "state": {},
            }
            await app(scope, receive, send)
        return (time.thread_time() - begin) / _REQUESTS * 1e6

    return asyncio.run(called())


def _counting(features: int, records: int, folder: str) -> float:
    baseline = _baseline(features)
    counts = DurableCounts(baseline, StateFolder(f"{folder}/state"), ErrorReporter(), 1 << 28)
    contents = _contents(features, records)

    def count() -> float:
        for content in contents:
            counts.append(content)
        begin = time.thread_time()
        counts.fold()
        return (time.thread_time() - begin) / records * 1e6

    (found,) = _in_turns([count])
    return found


def _lines(features: int) -> float:
    contents = _contents(features, 512)
    names = [each.name for each in _baseline(features).features]
    context = LogContext(
        sink="file:",
        server_id="server",
        endpoint_id="endpoint",
        logger_id="logger",
        replica_id="replica",
        model="model",
        version="1",
        features=tuple(names),
        outputs=("output",),
    )

    def make() -> float:
        begin = time.thread_time()
        records = JournalRecords(context, contents)
        lines = [records.line(i) for i in range(len(records))]
        assert len(lines) == len(contents)
        return (time.thread_time() - begin) / len(contents) * 1e6

    (found,) = _in_turns([make])
    return found


def _contents(features: int, number: int) -> list[bytes]:
    identities = (Identity.new("server") for _ in range(number))
    return [
        encode(Record(each.entity_id, each.created_at, row, [0.5], None, logged=True))
        for each, row in zip(identities, _rows(features, number), strict=True)
    ]


def _baseline(features: int) -> Baseline:
    values = [row[0] for row in _rows(1, 2000)]
    return Baseline.fit({f"x{i}": values for i in range(features)}, values)


def _rows(features: int, number: int) -> list[list[float]]:
    draw = random.Random(2013).gauss
    return [[draw(0, 1) for _ in range(features)] for _ in range(number)]


if __name__ == "__main__":
    main()
