"""A service under a real server, asked over HTTP; each test ends only what it started."""

import contextlib
import http.client
import itertools
import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

import boxkite
from tests.programs import free_port

FLASK = """
import os
from flask import Flask, request
from boxkite_flask import Boxkite

app = Flask(__name__)
monitor = Boxkite(app, registry=None)
processed = os.open(os.environ["PROCESSED"], os.O_WRONLY | os.O_APPEND | os.O_CREAT)

@app.post("/predict")
@monitor.predict(features=["a"], output="score")
def predict():
    os.write(processed, f"{request.get_json()['id']}\\n".encode())
    return {"score": 0.5, "process": os.getpid()}
"""

STARLETTE = """
import os
from fastapi import FastAPI
from boxkite_starlette import Boxkite

app = FastAPI()
monitor = Boxkite(app, registry=None)
processed = os.open(os.environ["PROCESSED"], os.O_WRONLY | os.O_APPEND | os.O_CREAT)

@app.post("/predict")
@monitor.predict(features=["a"], output="score")
async def predict(body: dict):
    os.write(processed, f"{body['id']}\\n".encode())
    return {"score": 0.5, "process": os.getpid()}
"""

_PATIENCE = 60.0


class Service:
    """A server with several workers.

    Attributes:
        acknowledged: predictions whose answer arrived.
        sent: predictions asked for, with those that no answer came for.
        workers: the processes that answered, since one was killed.
    """

    def __init__(self, process: "subprocess.Popen[bytes]", port: int, processed: Path) -> None:
        self.process = process
        self._port = port
        self._processed = processed
        self._numbers = itertools.count()
        self._lock = threading.Lock()
        self.acknowledged = 0
        self.sent = 0
        self.workers: set[int] = set()

    def ask(self, method: str, path: str, body: bytes | None = None) -> bytes:
        """Return the body of the answer to one request."""
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=_PATIENCE)
        with contextlib.closing(connection):
            connection.request(method, path, body, {"Content-Type": "application/json"})
            response = connection.getresponse()
            content = response.read()
            if response.status != 200:
                raise ValueError(f"{response.status}: {content!r}")
            return content

    def predict(self, number: int | None = None) -> bool:
        """Ask for one prediction; False if no answer came."""
        with self._lock:
            self.sent += 1
            number = next(self._numbers) if number is None else number
        try:
            body = json.dumps({"a": 1, "id": number}).encode()
            answer = json.loads(self.ask("POST", "/predict", body))
        except (OSError, http.client.HTTPException):
            return False
        with self._lock:
            self.acknowledged += 1
            self.workers.add(answer["process"])
        return True

    def predict_by_two_workers(self) -> None:
        """Ask for one prediction each: one worker may take all that comes, as gevent's do, and is
        stopped while another answers."""
        assert self.predict()
        (first,) = self.workers
        os.kill(first, signal.SIGSTOP)
        try:
            assert self.predict()
        finally:
            os.kill(first, signal.SIGCONT)
        assert len(self.workers) == 2

    def predict_repeatedly(self, threads: int, number: int) -> None:
        """Have as many threads ask, each until so many answers came."""

        def ask() -> None:
            answered = 0
            while answered < number:
                answered += self.predict()

        self._together(threads, ask)

    def predict_once_each(self, threads: int, number: int) -> None:
        """Have as many threads ask for so many predictions each, until each has been processed.

        A server that ends a worker may close a connection whose request it has not read. The
        client cannot tell that from a lost answer, but the view can: it has noted what it
        processed. So what has no answer is asked for again only if no view has seen it.
        """
        asked = [next(self._numbers) for _ in range(threads * number)]
        while asked:
            waiting = iter(asked)
            unanswered: list[int] = []

            def ask(waiting: Iterator[int] = waiting, lost: list[int] = unanswered) -> None:
                while True:
                    with self._lock:
                        each = next(waiting, None)
                    if each is None:
                        return
                    if not self.predict(each):
                        lost.append(each)

            self._together(threads, ask)
            asked = sorted(set(unanswered) - set(self.processed()))

    def processed(self) -> list[int]:
        """Return the numbers of the predictions that a view has answered, in order."""
        return sorted(int(line) for line in self._processed.read_text().splitlines())

    @contextlib.contextmanager
    def under_load(self, threads: int) -> Iterator[None]:
        """Have threads ask for as long as the context lasts."""
        done = threading.Event()

        def ask() -> None:
            while not done.is_set():
                if not self.predict():
                    time.sleep(0.01)

        asking = [threading.Thread(target=ask) for _ in range(threads)]
        for thread in asking:
            thread.start()
        try:
            yield
        finally:
            done.set()
            for thread in asking:
                thread.join()

    def _together(self, threads: int, work: Callable[[], None]) -> None:
        working = [threading.Thread(target=work) for _ in range(threads)]
        for thread in working:
            thread.start()
        for thread in working:
            thread.join()

    def scrape(self) -> dict[str, float]:
        """Return every live counter, when the service answers."""
        # A request may be lost with its worker after the connection was made, so one timeout is
        # not the end.
        deadline = time.monotonic() + 3 * _PATIENCE
        while True:
            try:
                text = self.ask("GET", "/metrics").decode()
                break
            except (OSError, http.client.HTTPException):
                if time.monotonic() > deadline or self.process.poll() is not None:
                    raise
                time.sleep(0.05)
        lines = [line.rpartition(" ") for line in text.splitlines() if not line.startswith("#")]
        return {
            series: float(value)
            for series, _, value in lines
            if not series.startswith(("boxkite_baseline", "boxkite_drift"))
        }

    def predictions(self) -> int:
        """Return how many predictions a scrape shows."""
        (found,) = (
            value
            for series, value in self.scrape().items()
            if series.startswith("boxkite_predictions_total{")
        )
        return int(found)

    def kill_a_worker(self) -> bool:
        """Kill one that answered lately with kill -9; False if none is known."""
        with self._lock:
            known = sorted(self.workers)
            self.workers.clear()
        if not known:
            return False
        with contextlib.suppress(ProcessLookupError):
            os.kill(random.choice(known), signal.SIGKILL)
            return True
        return False


@pytest.fixture
def unused_port() -> int:
    return free_port()


def _command(server: str, port: int) -> list[str]:
    address = f"127.0.0.1:{port}"
    if server == "gunicorn":
        return [sys.executable, "-m", "gunicorn", "service:app", "--bind", address]
    if server == "uvicorn":
        return [sys.executable, "-m", "uvicorn", "service:app", "--port", str(port)]
    program = str(Path(sys.executable).with_name("uwsgi"))
    return [program, "--module", "service:app", "--http-socket", address]


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Callable[..., Service]]:
    """Start a server: `serve("gunicorn", "--workers", "3")`, `serve("uvicorn", …)` or
    `serve("uwsgi", …)`. It serves the test's own `service.py`, if the test has written one."""
    boxkite.Baseline.fit(
        {"a": np.arange(8.0)}, {"score": np.linspace(0, 1, 8)}, bins=2, model="m", version="1"
    ).write(tmp_path / "histogram.prom")
    with contextlib.ExitStack() as stack:
        log = stack.enter_context((tmp_path / "output.log").open("ab"))

        def start(server: str, *options: str, **environment: str) -> Service:
            application = tmp_path / "service.py"
            if not application.exists():
                application.write_text(STARLETTE if server == "uvicorn" else FLASK)
            port = free_port()
            processed = tmp_path / f"processed-{port}"
            baseline = str(tmp_path / "histogram.prom")
            process = subprocess.Popen(
                [*_command(server, port), *options],
                cwd=tmp_path,
                stdout=log,
                stderr=log,
                env={
                    **os.environ,
                    "FLASK_BOXKITE_BASELINE": baseline,
                    "BOXKITE_BASELINE": baseline,
                    "PROCESSED": str(processed),
                    **environment,
                },
            )
            stack.callback(_end, process)
            service = Service(process, port, processed)
            service.scrape()
            return service

        yield start


def _end(process: "subprocess.Popen[bytes]") -> None:
    # uWSGI may overlook one signal while it starts workers.
    deadline = time.monotonic() + _PATIENCE
    while time.monotonic() < deadline:
        process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(5.0)
            return
    process.kill()
    process.wait()
