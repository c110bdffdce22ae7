"""The calls of boxkite behind one prediction, fold, batch or scrape, as a profiler sees them.

Only public names are used, so that checkouts of different times can be traced.
"""

from __future__ import annotations

import asyncio
import io
import json
import sys
import tempfile
import threading
from collections import Counter
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from types import FrameType
from typing import Any

import boxkite

ROOT = Path(boxkite.__file__).parents[1]
FEATURES = [1.0, 2.0, 3.0]
BODY = json.dumps({"inputs": FEATURES}).encode()


class Trace:
    """The calls of one thread into our packages, in their order.

    Attributes:
        calls: depth, file and function of each call.
    """

    def __init__(self) -> None:
        self.calls: list[tuple[int, str, str]] = []
        self._ours: list[FrameType] = []

    def __call__(self, frame: FrameType, event: str, _: object) -> None:
        """Note an event of the interpreter's profiler."""
        file = frame.f_code.co_filename
        if not file.startswith(f"{ROOT}/boxkite") or event not in ("call", "return"):
            return
        if event == "call":
            name = getattr(frame.f_code, "co_qualname", frame.f_code.co_name)
            place = str(Path(file).relative_to(ROOT))
            self.calls.append((len(self._ours), place, name))
            self._ours.append(frame)
        elif frame in self._ours:
            del self._ours[self._ours.index(frame) :]

    def summary(self) -> dict[str, Any]:
        """Return the numbers of calls, files and changes of file, and the calls as a tree."""
        files = [file for _, file, _ in self.calls]
        changes = sum(one != other for one, other in pairwise(files))
        return {
            "calls": len(files),
            "files": len(set(files)),
            "changes": changes,
            "tree": self._tree(),
            "order": self._order(),
        }

    def _order(self) -> str:
        """Return the files in the order of their first call, each with its number of calls."""
        numbers = Counter(file.removeprefix("boxkite/") for _, file, _ in self.calls)
        return " → ".join(f"{file} {number}" for file, number in numbers.items())

    def _tree(self) -> str:
        """Return one line a call, indented; a call that repeats at once is shown once."""
        lines: list[tuple[str, int]] = []
        for depth, file, name in self.calls:
            line = f"{'  ' * depth}{file.removeprefix('boxkite/')}: {name}"
            if lines and lines[-1][0] == line:
                lines[-1] = line, lines[-1][1] + 1
            else:
                lines.append((line, 1))
        return "\n".join(line if times == 1 else f"{line} (x {times})" for line, times in lines)


def traced(work: Callable[[], object]) -> Trace:
    """Return the calls of some work in this thread."""
    trace = Trace()
    sys.setprofile(trace)
    try:
        work()
    finally:
        sys.setprofile(None)
    return trace


class ThreadTraces:
    """A trace for each thread that starts from now on."""

    def __init__(self) -> None:
        self.traces: dict[int, Trace] = {}
        threading.setprofile(self)

    def __call__(self, frame: FrameType, event: str, argument: object) -> None:
        """Note an event of one thread."""
        trace = self.traces.setdefault(threading.get_ident(), Trace())
        trace(frame, event, argument)

    def through(self, function: str) -> Trace:
        """Return the trace of the thread that called a function."""
        return next(
            trace
            for trace in self.traces.values()
            if any(name == function for _, _, name in trace.calls)
        )


def options(folder: str) -> dict[str, Any]:
    """Fit a baseline, and return the options of a service with a log."""
    names = "abc"
    columns = {name: [float(i) for i in range(200)] for name in names}
    path = f"{folder}/histogram.prom"
    boxkite.Baseline.fit(columns, [0.1, 0.9] * 100).write(path)
    return {"baseline": path, "log": f"file:{folder}/log", "state_dir": f"{folder}/state"}


def flask_request(folder: str) -> Trace:
    """Trace a request of Flask's, after one that warmed up what is kept."""
    from flask import Flask, request

    from boxkite_flask import Boxkite

    app = Flask(__name__)
    monitor = Boxkite(app, **options(folder))

    @app.post("/predict")
    @monitor.predict(features="inputs", output="score")
    def predict() -> dict[str, float]:
        return {"score": sum(request.get_json()["inputs"])}

    def call() -> None:
        environ = {
            "REQUEST_METHOD": "POST",
            "PATH_INFO": "/predict",
            "SERVER_NAME": "service",
            "SERVER_PORT": "80",
            "SERVER_PROTOCOL": "HTTP/1.1",
            "CONTENT_TYPE": "application/json",
            "CONTENT_LENGTH": str(len(BODY)),
            "wsgi.url_scheme": "http",
            "wsgi.input": io.BytesIO(BODY),
            "wsgi.errors": sys.stderr,
        }
        b"".join(app.wsgi_app(environ, lambda *_: None))

    for _ in range(3):
        call()
    return traced(call)


def starlette_request(folder: str) -> Trace:
    """Trace a request of Starlette's, after some that warmed up what is kept."""
    from starlette.applications import Starlette
    from starlette.requests import Request
    from starlette.responses import JSONResponse
    from starlette.routing import Route

    from boxkite_starlette import Boxkite

    monitor = Boxkite(**options(folder))

    @monitor.predict(features="inputs", output="score")
    async def predict(request: Request) -> JSONResponse:
        return JSONResponse({"score": sum((await request.json())["inputs"])})

    app = Starlette(routes=[Route("/predict", predict, methods=["POST"])])
    monitor.init_app(app)

    async def call() -> None:
        scope = {
            "type": "http",
            "method": "POST",
            "path": "/predict",
            "raw_path": b"/predict",
            "query_string": b"",
            "headers": [(b"content-type", b"application/json")],
            "http_version": "1.1",
            "app": app,
        }

        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": BODY, "more_body": False}

        async def send(_: Any) -> None:
            """Take a message."""

        await app(scope, receive, send)

    for _ in range(3):
        asyncio.run(call())
    return traced(lambda: asyncio.run(call()))


def of_monitor(folder: str, work: str) -> Trace:
    """Trace what a monitor does apart from the request, with three predictions waiting."""
    chosen = options(folder)
    threads = ThreadTraces()
    monitor = boxkite.Monitor(
        chosen["baseline"],
        log="none:" if work == "fold" else chosen["log"],
        registry=None,
    )
    for number in range(3):
        monitor.log_prediction([1.0, 2.0, float(number)], 0.5)
    if work == "batch":
        monitor.flush()
        monitor.close()
        return threads.through("Shipper._ship_all")
    if work == "fold":
        return traced(monitor.flush)
    monitor.export_http()
    monitor.log_prediction(FEATURES, 0.5)
    return traced(monitor.export_http)


def main() -> None:
    """Print what one path calls, as JSON."""
    path = sys.argv[1]
    # The background may still write into it when this ends.
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        if path == "flask request":
            trace = flask_request(folder)
        elif path == "starlette request":
            trace = starlette_request(folder)
        else:
            trace = of_monitor(folder, path)
        sys.stdout.write(json.dumps(trace.summary()))
        sys.stdout.flush()


if __name__ == "__main__":
    main()
