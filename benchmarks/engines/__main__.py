"""CPU and memory of `Baseline.fit` for data larger than memory, for each engine.

    python benchmarks/engines                       # 60 million rows x 8 columns
    python benchmarks/engines --rows 6 --only duckdb polars

Each engine runs in a process of its own, on the same folder of Parquet files. The CPU seconds and
the peak of the resident memory include all processes that it starts, such as Spark's Java. whylogs
is measured if --whylogs names a Python that has it.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import numpy as np
import polars as pl

FIT = Path(__file__).with_name("fit_once.py")
ENGINES = ("pandas", "duckdb", "polars", "spark", "whylogs")
ROWS_A_FILE = 1_000_000
_PAGE = os.sysconf("SC_PAGE_SIZE")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=60, help="million rows")
    parser.add_argument("--only", nargs="+", choices=ENGINES, default=ENGINES[:-1])
    parser.add_argument("--whylogs", help="Python that has whylogs")
    parser.add_argument("--folder", type=Path, help="folder of an earlier run's Parquet files")
    options = parser.parse_args()
    engines = [*options.only, *(["whylogs"] if options.whylogs else [])]
    with tempfile.TemporaryDirectory() as temporary:
        folder = options.folder or Path(temporary)
        write_rows(folder, options.rows)
        print(f"{options.rows} million rows x 8 columns, Parquet")
        for engine in engines:
            python = options.whylogs if engine == "whylogs" else sys.executable
            print(f"{engine:8} {measured(python, engine, folder)}", flush=True)


def write_rows(folder: Path, millions: int) -> None:
    """Write one file for each million rows, unless the folder has them."""
    for number in range(millions):
        path = folder / f"part-{number:04}.parquet"
        if path.exists():
            continue
        random = np.random.default_rng(number)
        pl.DataFrame(
            {
                "normal": random.normal(size=ROWS_A_FILE),
                "uniform": random.random(ROWS_A_FILE),
                "price": random.lognormal(3, 1, ROWS_A_FILE).round(2),
                "heavy": random.pareto(1.1, ROWS_A_FILE),
                "age": random.integers(18, 90, ROWS_A_FILE),
                "zeros": np.where(random.random(ROWS_A_FILE) < 0.6, 0, random.random(ROWS_A_FILE)),
                "place": random.choice([f"place {i}" for i in range(300)], ROWS_A_FILE),
                "score": random.beta(2, 5, ROWS_A_FILE),
            }
        ).write_parquet(path)


def measured(python: str, engine: str, folder: Path) -> str:
    """Run one fit in a process of its own, and describe what it took."""
    start = time.monotonic()
    process = subprocess.Popen(
        [python, str(FIT), engine, str(folder)], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    peak = Peak(process.pid)
    peak.start()
    output, errors = process.communicate()
    peak.join()
    if process.returncode:
        return f"failed: {errors.decode().strip().splitlines()[-1:]}"
    found = json.loads(output.splitlines()[-1])
    return (
        f"{peak.cpu_seconds:7.1f} CPU s {time.monotonic() - start:7.1f} s "
        f"{peak.resident / 1e9:6.2f} GB  version {found['version']}"
    )


class Peak(threading.Thread):
    """Watches a process and its children.

    Attributes:
        resident: greatest resident memory so far, in bytes.
        cpu_seconds: CPU seconds so far.
    """

    def __init__(self, pid: int) -> None:
        super().__init__(daemon=True)
        self._pid = pid
        self.resident = 0
        self.cpu_seconds = 0.0

    def run(self) -> None:
        while self._look():
            time.sleep(0.05)

    def _look(self) -> bool:
        pages = ticks = 0
        waiting, alive = [self._pid], False
        while waiting:
            folder = Path("/proc", str(waiting.pop()))
            try:
                fields = folder.joinpath("stat").read_text().rpartition(")")[2].split()
                pages += int(folder.joinpath("statm").read_text().split()[1])
                for task in folder.joinpath("task").iterdir():
                    waiting += map(int, task.joinpath("children").read_text().split())
            except (OSError, IndexError):
                continue
            alive = alive or fields[0] != "Z"
            ticks += int(fields[11]) + int(fields[12])
        self.resident = max(self.resident, pages * _PAGE)
        self.cpu_seconds = max(self.cpu_seconds, ticks / os.sysconf("SC_CLK_TCK"))
        return alive


if __name__ == "__main__":
    main()
