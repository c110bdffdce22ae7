"""What `boxkite compare` costs on a day of lines, on the same day compacted, and by hand in DuckDB.

A day of predictions with ten features is written by the sink of files, as `benchmarks/reading.py`
does. Every measurement is a process of its own.

    nice -n 19 python benchmarks/compacted.py --predictions 1000000
"""

from __future__ import annotations

import argparse
import importlib
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import date
from pathlib import Path

from reading import write_day

DAY = date(2026, 11, 23)


def write_baseline(path: Path) -> None:
    """Write a baseline of the features in the log."""
    import numpy as np

    from boxkite import Baseline

    chance = np.random.default_rng(2013)
    rows = 20_000
    features = {f"feature_{i}": chance.normal(size=rows) for i in range(8)}
    features["carrier"] = chance.choice(["AA", "UA"], rows)
    features["seats"] = chance.integers(0, 400, rows)
    Baseline.fit(features, chance.random(rows)).write(path)


def compare(folder: Path) -> int:
    """Count the log as `boxkite compare` does."""
    from boxkite import Baseline
    from boxkite.cli.log_counting import count_log
    from boxkite.logs.reader.log_reader import LogReader

    baseline = Baseline.read(folder / "histogram.prom")
    return count_log(baseline, LogReader.open(str(folder))).predictions


def compact(folder: Path) -> int:
    """Compact the day, and keep its lines."""
    from boxkite.logs.compaction.compactor import Compactor
    from boxkite.logs.stores import open_store

    return sum(each.predictions for each in Compactor(open_store(str(folder)), print).compact(DAY))


def duckdb(folder: Path) -> int:
    """Count each variable of the Parquet files into the bins of the baseline, in one query."""
    return _duckdb(folder, f"read_parquet('{folder}/compacted/*/*/part-*.parquet')")


def duckdb_lines(folder: Path) -> int:
    """Count each variable of the lines, each prediction once."""
    files = f"read_json('{folder}/models/predictions/*/*/*.txt', format = 'newline_delimited')"
    return _duckdb(folder, f"(SELECT DISTINCT ON (entity_id) * FROM {files})")


def _duckdb(folder: Path, source: str) -> int:
    import duckdb as engine

    from boxkite import Baseline
    from boxkite.baseline import NumericVariable

    counted = []
    for each in Baseline.read(folder / "histogram.prom").variables:
        column = f"features.{each.name}" if each.role == "feature" else "output"
        if isinstance(each, NumericVariable):
            edges = ", ".join(map(repr, each.edges.tolist()))
            counted.append(f"histogram({column}, [{edges}])")
        else:
            counted.append(f"histogram({column})")
    query = f"SELECT count(*), {', '.join(counted)} FROM {source}"
    return int(engine.sql(query).fetchall()[0][0])


SUBJECTS: dict[str, tuple[str, Callable[[Path], int]]] = {
    "lines": ("`boxkite compare` on lines", compare),
    "duckdb-lines": ("DuckDB by hand on lines", duckdb_lines),
    "compact": ("`boxkite logs compact`", compact),
    "compacted": ("`boxkite compare` on the compacted day", compare),
    "duckdb": ("DuckDB by hand on the compacted day", duckdb),
}


def measure(name: str, folder: Path) -> None:
    """Print rows, seconds, CPU seconds and peak memory of one subject in this process."""
    for module in ("boxkite.cli.log_counting", "boxkite.logs.compaction.compactor", "duckdb"):
        importlib.import_module(module)  # takes over a second, which is not the subject here
    _, work = SUBJECTS[name]
    start, cpu = time.perf_counter(), time.process_time()
    rows = work(folder)
    seconds, cpu = time.perf_counter() - start, time.process_time() - cpu
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps([rows, seconds, cpu, peak]))


def measured_apart(name: str, folder: Path) -> str:
    """Return a row of the table, from what a new process measures."""
    command = [sys.executable, __file__, "--measure", name, "--folder", str(folder)]
    result = subprocess.run(command, capture_output=True, text=True, check=True)
    rows, seconds, cpu, peak = json.loads(result.stdout.splitlines()[-1])
    return f"| {SUBJECTS[name][0]} | {rows:,} | {seconds:.1f} | {cpu:.1f} | {peak:.0f} |"


def size(folder: Path, pattern: str) -> str:
    """Return number and size of files."""
    files = [path for path in folder.rglob(pattern) if path.is_file()]
    return f"{len(files):,} files, {sum(path.stat().st_size for path in files) / 2**20:,.0f} MiB"


def main() -> None:
    """Write a day, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--predictions", type=int, default=1_000_000, help="in the day")
    parser.add_argument("--measure", choices=SUBJECTS, help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.measure:
        measure(arguments.measure, arguments.folder)
        return
    with tempfile.TemporaryDirectory(prefix="boxkite-compacted-") as temporary:
        folder = Path(temporary, "day")
        write_day(folder, arguments.predictions)
        write_baseline(folder / "histogram.prom")
        print(f"{arguments.predictions:,} predictions: lines {size(folder, '*.txt')}\n", flush=True)
        print("| | predictions | seconds | CPU seconds | peak MiB |")
        print("|---|---:|---:|---:|---:|", flush=True)
        for name in SUBJECTS:
            print(measured_apart(name, folder), flush=True)
        print(f"\ncompacted: {size(folder, '*.parquet')}")


if __name__ == "__main__":
    main()
