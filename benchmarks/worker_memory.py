"""Print how much memory boxkite adds to a worker of Flask, and the size of its baseline.

    python benchmarks/worker_memory.py

Each service runs in a process of its own, predicts 500 times and is scraped twice. The table
shows how much larger its resident set is than in a process that imports only Flask and numpy.
"""

from __future__ import annotations

import resource
import subprocess
import sys
import tempfile
from pathlib import Path

ROWS = 5000
REQUESTS = 500
MIB = 2**20


def resident() -> float:
    """Return the resident memory of this process, in MiB."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() / MIB


def serve(variables: int, folder: Path) -> None:
    """Serve a model with so many features, or none and no boxkite, and print the memory."""
    import numpy as np
    from flask import Flask, request

    app = Flask("service")
    if not variables:
        print(resident(), 0)
        return
    from boxkite import Baseline
    from boxkite_flask import Boxkite

    path = folder / "histogram.prom"
    if not path.exists():
        random = np.random.default_rng(1)
        features = {f"f{i}": random.random(ROWS) for i in range(variables)}
        Baseline.fit(features, {"score": random.random(ROWS)}).write(path)
        return
    monitor = Boxkite(app, baseline=path, state_dir=str(folder / "state"), log="none:")

    @app.post("/predict")
    @monitor.predict(output="score")
    def predict() -> dict[str, float]:
        return {"score": float(request.get_json()["f0"])}

    client = app.test_client()
    for _ in range(REQUESTS):
        client.post("/predict", json={f"f{i}": 0.5 for i in range(variables)})
    for _ in range(2):
        client.get("/metrics")
    print(resident(), path.stat().st_size / 1000)


def main() -> None:
    """Print a row for each number of features."""
    print("| features | memory of a worker, MiB | `histogram.prom`, kB |\n|---:|---:|---:|")
    bare = 0.0
    for variables in (0, 10, 100, 1000):
        with tempfile.TemporaryDirectory() as folder:
            command = [sys.executable, __file__, str(variables), folder]
            # The first process only fits the baseline, so that the second one is a service alone.
            subprocess.run(command, check=True, capture_output=True)
            done = subprocess.run(command, check=True, capture_output=True, text=True)
        memory, size = map(float, done.stdout.split())
        bare = bare or memory
        if variables:
            print(f"| {variables:,} | {memory - bare:.0f} | {size:,.0f} |", flush=True)


if __name__ == "__main__":
    if len(sys.argv) > 1:
        serve(int(sys.argv[1]), Path(sys.argv[2]))
    else:
        main()
