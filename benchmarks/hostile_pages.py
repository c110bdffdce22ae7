"""What hostile requests for pages cost: the event loop's longest stall, and memory.

    python benchmarks/hostile_pages.py                    # this checkout
    python benchmarks/hostile_pages.py /path/to/another   # another checkout of boxkite

Each request goes to a new FastAPI service under uvicorn, which monitors 1,000 variables. A task in
the service sleeps for a millisecond at a time, and notes by how much it wakes up late, in processor
time of the service: this is how long the loop was blocked. While the requests run, a client also
sends predictions to a sync endpoint, and notes the slowest answer.
"""

from __future__ import annotations

import argparse
import concurrent.futures
import http.client
import json
import os
import re
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

VARIABLES = 1000
ROWS = 2000
WAIT_SECONDS = 300.0


class Cost(NamedTuple):
    """What some requests cost.

    Attributes:
        statuses: Statuses of the answers, each once.
        seconds: Time until the last answer.
        stall: Longest time for which the loop was blocked, in seconds.
        collection: Longest run of Python's garbage collector, in seconds of processor time. It
            blocks the loop, whichever thread causes it.
        prediction: Slowest answer to a prediction meanwhile, in seconds.
        memory: Growth of the greatest resident memory, in bytes.
    """

    statuses: str
    seconds: float
    stall: float
    collection: float
    prediction: float
    memory: int


CASES: dict[str, Sequence[str]] = {
    "one page": ["/drift?limit=5000"],
    "one page as JSON": ["/drift/drift.json"],
    "one scrape": ["/metrics"],
    "one scrape with 7,000 names": [
        "/metrics?" + "&".join(f"name%5B%5D=n{number}" for number in range(7000))
    ],
    "45 equal pages": ["/drift?limit=1000"] * 45,
    "45 different pages": [f"/drift?limit={1000 + number}" for number in range(45)],
    "45 different scrapes": [f"/metrics?name%5B%5D=boxkite_value&n={n}" for n in range(45)],
    "window=1e12": ["/drift?window=1e12"],
    "limit of 5,000 digits": [f"/drift?limit={'9' * 5000}"],
    "window of 16,000 spaces": [f"/drift?window=1{'+' * 16000}x"],
}


def serve(folder: Path) -> None:
    """Serve the model, and print the port."""
    import asyncio
    import gc

    import uvicorn
    from fastapi import Body, FastAPI

    from boxkite_starlette import Boxkite

    os.environ["BOXKITE_STATE_DIR"] = str(folder / "state")
    os.environ["BOXKITE_LOG"] = "none:"
    stalls = [0.0]
    collections = [0.0]
    began = [0.0]

    def note_collection(phase: str, _: object) -> None:
        if phase == "start":
            began[0] = time.thread_time()
        else:
            collections[0] = max(collections[0], time.thread_time() - began[0])

    gc.callbacks.append(note_collection)

    async def watch() -> None:
        while True:
            slept, worked = time.perf_counter(), time.process_time()
            await asyncio.sleep(0.001)
            late = time.perf_counter() - slept - 0.001
            # Other programs may have had the processor. Only this service's own work counts.
            stalls[0] = max(stalls[0], min(late, time.process_time() - worked))

    app = FastAPI()
    monitor = Boxkite(
        app, baseline=str(folder / "histogram.prom"), registry=None, drift_path="/drift"
    )

    @app.post("/predict")
    @monitor.predict(features="rows", output=lambda _: None)
    def predict(rows: list[float] = Body(embed=True)) -> dict[str, int]:  # noqa: B008
        return {"width": len(rows)}

    @app.post("/stall")
    async def stall() -> list[float]:
        """Return the longest stall and garbage collection since the last call."""
        found = [stalls[0], collections[0]]
        stalls[0] = collections[0] = 0.0
        return found

    config = uvicorn.Config(
        app, log_level="warning", ws="none", access_log=False, h11_max_incomplete_event_size=2**20
    )
    listener = socket.create_server(("127.0.0.1", 0), backlog=1000)
    print(listener.getsockname()[1], flush=True)

    async def run() -> None:
        watching = asyncio.create_task(watch())
        await uvicorn.Server(config).serve([listener])
        watching.cancel()

    asyncio.run(run())


class Service:
    """A running service."""

    def __init__(self, port: int, process: int) -> None:
        self._port = port
        self._process = process

    def ask(self, path: str, body: Any = None) -> tuple[int, bytes]:
        """Return status and content of an answer."""
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=WAIT_SECONDS)
        try:
            method = "GET" if body is None else "POST"
            content = None if body is None else json.dumps(body)
            connection.request(method, path, content, {"Content-Type": "application/json"})
            answer = connection.getresponse()
            return answer.status, answer.read()
        except OSError as error:
            return 0, str(error).encode()
        finally:
            connection.close()

    def longest_pauses(self) -> tuple[float, float]:
        """Return the longest stall and garbage collection since the last call, in seconds."""
        stall, collection = json.loads(self.ask("/stall", {})[1])
        return float(stall), float(collection)

    def peak(self) -> int:
        """Return the greatest resident memory of the process so far, in bytes."""
        status = Path(f"/proc/{self._process}/status").read_text()
        found = re.search(r"VmHWM:\s+(\d+) kB", status)
        return int(found[1]) * 1024 if found else 0


@contextmanager
def running(checkout: Path, folder: Path) -> Iterator[Service]:
    """Run a service of a checkout."""
    command = [sys.executable, __file__, "--serve", str(folder)]
    environment = {**os.environ, "PYTHONPATH": str(checkout)}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as server:
        try:
            assert server.stdout is not None
            service = Service(int(server.stdout.readline()), server.pid)
            rows = [0.5] * VARIABLES
            for _ in range(20):
                service.ask("/predict", {"rows": rows})
            yield service
        finally:
            server.terminate()


def train(checkout: Path, folder: Path) -> None:
    """Write the baseline with a checkout's own code."""
    code = (
        "import numpy as np, boxkite, sys\n"
        f"rows = np.random.default_rng(1).normal(size=({ROWS}, {VARIABLES}))\n"
        f"columns = {{f'x{{i}}': rows[:, i] for i in range({VARIABLES})}}\n"
        "boxkite.Baseline.fit(columns).write(sys.argv[1])\n"
    )
    environment = {**os.environ, "PYTHONPATH": str(checkout)}
    command = [sys.executable, "-c", code, str(folder / "histogram.prom")]
    subprocess.run(command, check=True, env=environment, cwd=folder)


def cost_of(service: Service, paths: Sequence[str]) -> Cost:
    """Send requests at once, and predictions meanwhile."""
    service.ask("/drift/drift.json")  # thresholds are computed once, in the first answer
    service.ask("/metrics")
    slowest = [0.0]
    over = threading.Event()
    rows = [0.5] * VARIABLES

    def predict() -> None:
        while not over.is_set():
            started = time.perf_counter()
            service.ask("/predict", {"rows": rows})
            slowest[0] = max(slowest[0], time.perf_counter() - started)
            time.sleep(0.02)

    before = service.peak()
    service.longest_pauses()
    predicting = threading.Thread(target=predict)
    started = time.perf_counter()
    with concurrent.futures.ThreadPoolExecutor(len(paths)) as pool:
        asked = [pool.submit(service.ask, path) for path in paths]
        time.sleep(0.02)
        predicting.start()
        statuses = {each.result()[0] for each in asked}
    seconds = time.perf_counter() - started
    over.set()
    predicting.join()
    pauses = service.longest_pauses()
    shown = ", ".join(map(str, sorted(statuses)))
    return Cost(shown, seconds, *pauses, slowest[0], service.peak() - before)


def main() -> None:
    """Print a table for a checkout."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    here = Path(__file__).resolve().parents[1]
    parser.add_argument("checkout", type=Path, nargs="?", default=here)
    parser.add_argument("--serve", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--only", default="", help="cases whose name contains this text")
    options = parser.parse_args()
    if options.serve:
        serve(options.serve)
        return
    show: Callable[..., None] = lambda *cells: print("|", " | ".join(cells), "|", flush=True)  # noqa: E731
    show(
        "requests", "status", "seconds", "loop blocked", "of it collecting garbage",
        "slowest prediction", "memory",
    )  # fmt: skip
    show(*["---"] * 7)
    with tempfile.TemporaryDirectory() as name:
        train(options.checkout, Path(name))
        for case, paths in CASES.items():
            if options.only not in case:
                continue
            with running(options.checkout, Path(name)) as service:
                cost = cost_of(service, paths)
            show(
                case,
                cost.statuses,
                f"{cost.seconds:.2f}",
                f"{cost.stall * 1000:.0f} ms",
                f"{cost.collection * 1000:.0f} ms",
                f"{cost.prediction * 1000:.0f} ms",
                f"{cost.memory / 2**20:.0f} MiB",
            )


if __name__ == "__main__":
    main()
