"""What a sink in reporter costs the request: `log_prediction` beside the sink `none:`, in one run.

Each measurement is a process of its own, with receivers of fluentd's protocol that refuse, never
answer or answer late; a figure is the median of some rounds, and the rounds take turns.

    python benchmarks/sinks.py
"""

from __future__ import annotations

import argparse
import json
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import msgspec
import numpy as np

import boxkite
from boxkite.settings import from_environment

FEATURES = 100
PREDICTIONS = 20_000
BURST = 500
MANY = 1_000_000
SINKS = ("none", "file", "fluentd", "slow", "black hole", "refused")


def receiver(seconds: float) -> str:
    """Start a receiver that acknowledges each chunk after a while; returns its URL."""
    listener = socket.create_server(("127.0.0.1", 0))

    def acknowledge(connection: socket.socket) -> None:
        received = b""
        while part := connection.recv(1 << 20):
            received += part
            try:
                chunk = msgspec.msgpack.decode(received)[2]["chunk"]
            except msgspec.DecodeError:
                continue
            received = b""
            time.sleep(seconds)
            connection.sendall(msgspec.msgpack.encode({"ack": chunk}))

    def accept() -> None:
        while True:
            connection, _ = listener.accept()
            threading.Thread(target=acknowledge, args=(connection,), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    return f"fluentd://127.0.0.1:{listener.getsockname()[1]}"


def log_of(sink: str, urls: dict[str, str], folder: Path) -> str:
    """Return the setting of a case."""
    return urls.get(sink) or {"none": "none:", "file": f"{folder}/log"}[sink]


def monitor(log: str, folder: Path) -> boxkite.Monitor:
    """Return a monitor of as many features."""
    columns = np.random.default_rng(0).normal(size=(FEATURES, 2000))
    baseline = boxkite.Baseline.fit({f"f{i}": each for i, each in enumerate(columns)}, columns[0])
    settings = from_environment({"log": log, "state_dir": folder / "state"})
    return boxkite.Monitor(baseline, registry=None, settings=settings)


def latencies(log: str, folder: Path) -> dict[str, float]:
    """Return the microseconds of a prediction, at bursts with pauses in which the rest works."""
    made = monitor(log, folder)
    rows = np.random.default_rng(1).normal(size=(BURST, FEATURES)).tolist()
    times = []
    for _ in range(PREDICTIONS // BURST):
        for row in rows:
            begin = time.perf_counter_ns()
            made.log_prediction(row, 0.5)
            times.append((time.perf_counter_ns() - begin) / 1000)
        time.sleep(0.05)
    quantiles = statistics.quantiles(times, n=100)
    return {"p50": quantiles[49], "p99": quantiles[98]}


def memory(log: str, folder: Path) -> dict[str, float]:
    """Return how much memory a million predictions add, in MB."""
    made = monitor(log, folder)
    row = [0.5] * FEATURES
    for _ in range(20_000):
        made.log_prediction(row, 0.5)
    before = resident()
    for _ in range(MANY):
        made.log_prediction(row, 0.5)
    return {"before": before, "after": resident()}


def resident() -> float:
    """Return the process's memory of its own, in MB: without the mapped journal, which the kernel
    may write out at any time."""
    fields = Path("/proc/self/status").read_text().split("RssAnon:")[1]
    return int(fields.split()[0]) / 1024


def measured(work: str, sink: str, urls: dict[str, str]) -> dict[str, float]:
    """Return what a new process measures."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, __file__, "--measure", work, log_of(sink, urls, Path(folder))]
        command += ["--folder", folder]
        result = subprocess.run(command, capture_output=True, text=True, check=True)
    figures: dict[str, float] = json.loads(result.stdout)
    return figures


def main() -> None:
    """Measure all sinks, or the one that a child process is asked for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--measure", nargs=2, help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.measure:
        work, log = arguments.measure
        figures = {"latencies": latencies, "memory": memory}[work](log, arguments.folder)
        sys.stdout.write(json.dumps(figures))
        sys.stdout.flush()
        os._exit(0)
    closed = socket.create_server(("127.0.0.1", 0))
    urls = {
        "fluentd": receiver(0.0),
        "slow": receiver(1.0),
        "black hole": receiver(3600.0),
        "refused": f"fluentd://127.0.0.1:{closed.getsockname()[1]}",
    }
    closed.close()
    found: dict[str, list[dict[str, float]]] = {sink: [] for sink in SINKS}
    for _ in range(arguments.rounds):
        for sink in SINKS:
            found[sink].append(measured("latencies", sink, urls))
    lines = ["| sink | p50, us | p99, us | p99 beside `none:` |", "|---|---:|---:|---:|"]
    base = statistics.median(each["p99"] for each in found["none"])
    for sink, rounds in found.items():
        p50, p99 = (statistics.median(each[key] for each in rounds) for key in ("p50", "p99"))
        lines.append(f"| {sink} | {p50:.1f} | {p99:.1f} | {p99 / base:.2f} |")
    grown = measured("memory", "refused", urls)
    lines.append(
        f"\nMemory with the sink refused: {grown['before']:.0f} MB, and after {MANY:,} more "
        f"predictions {grown['after']:.0f} MB."
    )
    sys.stdout.write("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
