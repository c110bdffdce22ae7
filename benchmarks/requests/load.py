"""The load: wrk, on a processor of its own, with a fixed request on a few connections."""

from __future__ import annotations

import json
import random
import re
import subprocess
import tempfile
from typing import NamedTuple

from processors import kept_on

__all__ = ["Load", "offer"]

_CONNECTIONS = 8

_SCRIPT = """
wrk.method = "POST"
wrk.headers["Content-Type"] = "application/json"
wrk.body = [[%s]]
function done(summary, latency, requests)
  local errors = summary.errors
  local failed = errors.connect + errors.read + errors.write + errors.status + errors.timeout
  io.write(string.format("measured %%d %%d %%d %%d\\n",
    summary.requests, summary.duration, latency:percentile(99), failed))
end
"""


class Load(NamedTuple):
    """What came of it.

    Attributes:
        requests: that were answered.
        seconds: it took.
        p99: of the milliseconds to an answer.
    """

    requests: int
    seconds: float
    p99: float


def offer(port: int, features: int, seconds: int, processor: int | None) -> Load:
    """Send requests as fast as they are answered.

    Args:
        port: of the service.
        features: in each request.
        seconds: to go on for.
        processor: the one that the load generator is kept on; None for any.

    Raises:
        RuntimeError: if a request fails.
    """
    draw = random.Random(7).gauss
    body = json.dumps({"inputs": [draw(0, 1) for _ in range(features)]})
    with tempfile.NamedTemporaryFile("w", suffix=".lua") as script:
        script.write(_SCRIPT % body)
        script.flush()
        command = [*kept_on(processor), "wrk", "--threads", "1"]
        command += ["--connections", str(_CONNECTIONS), "--duration", f"{seconds}s"]
        command += ["--script", script.name, f"http://127.0.0.1:{port}/predict"]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
    found = re.search(r"^measured (\d+) (\d+) (\d+) (\d+)$", done.stdout, re.MULTILINE)
    if found is None or int(found[4]):
        raise RuntimeError(f"requests failed: {done.stdout}{done.stderr}")
    return Load(int(found[1]), int(found[2]) / 1e6, int(found[3]) / 1e3)
