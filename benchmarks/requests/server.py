"""One service in a process of its own, behind the server that it is deployed with."""

from __future__ import annotations

import http.client
import json
import os
import shutil
import socket
import subprocess
import time
from pathlib import Path

from processors import kept_on
from service import Service

__all__ = ["Server"]

_START_SECONDS = 60.0
_HERE = Path(__file__).parent


class Server:
    """A running service with one worker.

    Args:
        python: interpreter of the environment that has framework and subject.
        service: to serve.
        receiver: the port that takes the log of boxkite 0.0.5.
        processor: the one that the server is kept on; None for any.

    Raises:
        RuntimeError: if the service does not answer.
    """

    def __init__(
        self, python: Path, service: Service, receiver: int, processor: int | None
    ) -> None:
        self.service = service
        self.port = _free_port()
        shutil.rmtree(service.folder, ignore_errors=True)
        Path(service.folder).mkdir(parents=True)
        kept = {name: value for name, value in os.environ.items() if "BOXKITE" not in name}
        self._process = subprocess.Popen(
            [*kept_on(processor), python, "-P", "-m", *_command(service.framework, self.port)],
            cwd=_HERE,
            env=kept
            | {
                "SERVICE": json.dumps(service),
                "PYTHONPATH": str(_HERE),
                "BEDROCK_FLUENTD_ADDR": f"127.0.0.1:{receiver}",
            },
        )
        self._wait()

    def _wait(self) -> None:
        deadline = time.monotonic() + _START_SECONDS
        while self._process.poll() is None and time.monotonic() < deadline:
            try:
                self.post("/predict", json.dumps({"inputs": [0.5] * self.service.features}))
                return
            except OSError:
                time.sleep(0.05)
        self.stop()
        raise RuntimeError(f"{self.service} does not answer")

    def post(self, path: str, body: str = "{}") -> None:
        """Send one request.

        Raises:
            RuntimeError: if it fails.
        """
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=120)
        connection.request("POST", path, body, {"Content-Type": "application/json"})
        answer = connection.getresponse()
        content = answer.read()
        connection.close()
        if answer.status != http.client.OK:
            raise RuntimeError(f"{self.service} answers {path} with {answer.status} {content!r}")

    def flush(self) -> float:
        """Have everything counted and logged; returns the seconds that it took."""
        begin = time.perf_counter()
        if self.service.subject == "boxkite":
            self.post("/flush")
        return time.perf_counter() - begin

    def processor_seconds(self) -> float:
        """Return the processor time of all threads, and of the worker, so far."""
        pid = self._process.pid
        workers = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        ticks = 0
        for each in (pid, *workers):
            fields = Path(f"/proc/{each}/stat").read_text().rpartition(")")[2].split()
            ticks += int(fields[11]) + int(fields[12])
        return ticks / os.sysconf("SC_CLK_TCK")

    def stop(self) -> None:
        """End the process and remove its folder."""
        self._process.terminate()
        self._process.wait()
        shutil.rmtree(self.service.folder, ignore_errors=True)


def _command(framework: str, port: int) -> list[str]:
    if framework == "flask":
        bind = f"127.0.0.1:{port}"
        return ["gunicorn", "--workers", "1", "--bind", bind, "--log-level", "error", "service:app"]
    quiet = ["--no-access-log", "--log-level", "error"]
    return ["uvicorn", "--port", str(port), *quiet, "service:app"]


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
    return port
